/** The Free Transformer beside its baselines: same data, same steps, several seeds. */
@NullMarked
package org.freetransformer.compare;

import org.jspecify.annotations.NullMarked;

/** The training loop and what it reports. */
@NullMarked
package org.freetransformer.train;

import org.jspecify.annotations.NullMarked;

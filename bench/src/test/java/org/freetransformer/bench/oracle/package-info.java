/** Operations of this project compared with libtorch's: values and gradients. */
@NullMarked
package org.freetransformer.bench.oracle;

import org.jspecify.annotations.NullMarked;

/** Pictures of curves and plans as PNG files. */
@NullMarked
package org.freetransformer.plots;

import org.jspecify.annotations.NullMarked;

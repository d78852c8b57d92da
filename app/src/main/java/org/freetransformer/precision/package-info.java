/** One model trained in every precision: losses, memory and speed side by side. */
@NullMarked
package org.freetransformer.precision;

import org.jspecify.annotations.NullMarked;

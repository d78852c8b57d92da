/** Snappy under the name by which the Parquet library finds it. */
@NullMarked
package org.xerial.snappy;

import org.jspecify.annotations.NullMarked;

/** Datasets and the batches cut from them. */
@NullMarked
package org.freetransformer.data;

import org.jspecify.annotations.NullMarked;

/**
 * Tensors as a user meets them: shapes, element types, layouts, and the catalogue of operations.
 */
@NullMarked
package org.freetransformer.tensor;

import org.jspecify.annotations.NullMarked;

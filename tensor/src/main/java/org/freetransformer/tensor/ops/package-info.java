/**
 * Operations, one a file: each checks shapes, emits the instructions of its forward pass and
 * remembers how to emit those of its backward pass.
 */
@NullMarked
package org.freetransformer.tensor.ops;

import org.jspecify.annotations.NullMarked;

/** Reverse-mode differentiation: the tape, the backward pass over it, and the gradient check. */
@NullMarked
package org.freetransformer.tensor.autograd;

import org.jspecify.annotations.NullMarked;

/**
 * How a model is measured, in training and on held-out text: its loss on a batch; reconstruction,
 * KL and the bound they make; likelihood of the baseline.
 */
@NullMarked
package org.freetransformer.eval;

import org.jspecify.annotations.NullMarked;

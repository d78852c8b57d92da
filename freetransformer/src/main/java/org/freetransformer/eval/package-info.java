/** Honest evaluation: reconstruction, KL and the bound they make; likelihood of the baseline. */
@NullMarked
package org.freetransformer.eval;

import org.jspecify.annotations.NullMarked;

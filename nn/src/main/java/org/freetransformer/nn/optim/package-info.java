/** What changes parameters: AdamW, learning-rate schedules and gradient clipping. */
@NullMarked
package org.freetransformer.nn.optim;

import org.jspecify.annotations.NullMarked;

/** Sampling text: key-value cache, token filters, and the plan drawn for each position. */
@NullMarked
package org.freetransformer.generate;

import org.jspecify.annotations.NullMarked;

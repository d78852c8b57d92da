/** Tokenizers that need libraries, and the training of new ones. */
@NullMarked
package org.freetransformer.tokenizers;

import org.jspecify.annotations.NullMarked;

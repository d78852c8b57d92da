/** Tests of the peer Jlama. */
@NullMarked
package org.freetransformer.bench.jlama;

import org.jspecify.annotations.NullMarked;

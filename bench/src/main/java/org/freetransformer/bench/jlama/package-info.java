/** Jlama, another engine in Java, as a peer. */
@NullMarked
package org.freetransformer.bench.jlama;

import org.jspecify.annotations.NullMarked;

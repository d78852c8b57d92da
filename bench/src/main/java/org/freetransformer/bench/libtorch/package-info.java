/**
 * The peer: libtorch through DJL, with the compositions of its operations that do what this
 * project's fused operations do. Only benchmarks and oracle tests use it.
 */
@NullMarked
package org.freetransformer.bench.libtorch;

import org.jspecify.annotations.NullMarked;

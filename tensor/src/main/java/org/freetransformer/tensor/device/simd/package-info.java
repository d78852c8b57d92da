/**
 * The fast device on the CPU: kernels on the Vector API, one file per kernel family, and the thread
 * team that runs them. The only package that touches {@code jdk.incubator.vector}.
 */
@NullMarked
package org.freetransformer.tensor.device.simd;

import org.jspecify.annotations.NullMarked;

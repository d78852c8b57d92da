/**
 * The fast device on the CPU: kernels on the Vector API, one file per kernel family, and the thread
 * team that runs them. The only package that touches {@code jdk.incubator.vector}.
 *
 * <p>There are three ways to transpose, by where the elements are and where they go. {@link
 * Transposer} turns memory into memory, for copies and for panels that tiles read there, by picking
 * from two vectors at once. {@link ArrayTransposer} turns memory into an array, for panels where
 * tiles read arrays: with vectors of 4 or 8 elements, for which picking from two is slow, rows
 * exchange elements instead. {@link TileTurner} does the same from array to array, for tiles of a
 * product that were computed transposed.
 */
@NullMarked
package org.freetransformer.tensor.device.simd;

import org.jspecify.annotations.NullMarked;

package org.freetransformer.nn.sharding;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;

/**
 * What ranks do together, each call by all of them and in the same order. A call returns when this
 * rank's part is done. Memory is off-heap and the same size on all ranks; sums are taken in f32, in
 * the order of the ranks. {@link ProcessGroup} checks the arguments and makes calls asynchronous.
 */
interface Collectives extends AutoCloseable {
  /** This rank's number, from 0. */
  int rank();

  /** Number of ranks, N. */
  int size();

  /** Puts every rank's {@code mine} side by side, in rank order, into {@code all}. */
  void allGather(MemorySegment mine, MemorySegment all);

  /**
   * Adds to {@code mine} the sum over all ranks of the part of {@code all} that is this rank's.
   *
   * @param all N parts of equal length, of type f32 or bf16
   * @param mine one part, f32
   */
  void reduceScatter(MemorySegment all, DType type, MemorySegment mine);

  /** Replaces {@code values}, f32 or bf16, by their sum over all ranks. */
  void allReduce(MemorySegment values, DType type);

  /** Replaces {@code bytes} by those of one rank. */
  void broadcast(MemorySegment bytes, int root);

  /** Waits for all ranks. */
  void barrier();

  /**
   * The ranks of equal {@code color} as a group of their own, in the same order.
   *
   * @param color 0 to N − 1
   */
  Collectives split(int color);

  /** Ends the calls of all other ranks, present and future, with a failure that names this one. */
  void abort(Throwable cause);

  @Override
  void close();
}

package org.freetransformer.nn.sharding;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;

/**
 * What ranks do together, each call by all of them and in the same order. A call returns when this
 * rank's part is done. Memory is off-heap and the same size on all ranks; numbers are f32, and so
 * are sums, taken in the order of the ranks, unless a method says otherwise. What travels as bf16
 * is rounded to it. {@link ProcessGroup} checks the arguments and makes calls asynchronous.
 */
interface Collectives extends AutoCloseable {
  /** This rank's number, from 0. */
  int rank();

  /** Number of ranks, N. */
  int size();

  /**
   * Puts every rank's {@code mine} side by side, in rank order, into {@code all}; it may be its own
   * place there.
   */
  void allGather(MemorySegment mine, MemorySegment all);

  /** The same with numbers that travel as bf16. */
  void allGatherRounded(MemorySegment mine, MemorySegment all);

  /**
   * Adds to {@code mine} the sum over all ranks of the part of {@code all} that is this rank's.
   *
   * @param all N parts of equal length
   * @param travelling f32 or bf16, for what is added
   * @param mine one part
   */
  void reduceScatter(MemorySegment all, DType travelling, MemorySegment mine);

  /**
   * Replaces {@code values} by their sum over all ranks, which MPI takes in an order of its own if
   * they travel as f32.
   *
   * @param travelling f32 or bf16, for the terms and then for the sum
   */
  void allReduce(MemorySegment values, DType travelling);

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

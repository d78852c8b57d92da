package org.freetransformer.nn.sharding;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.freetransformer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Ranks that work together, as one of them sees it. Every collective is made by all ranks with
 * memory of the same size, and started by all in the same order, on each by one thread at a time; a
 * thread of the group's own does the work meanwhile. Collectives move raw off-heap memory and know
 * nothing of tensors.
 *
 * <p>Numbers are f32. They may travel as bf16, half as many bytes, rounded to nearest even; where
 * nothing has to travel, they are rounded all the same. Sums are taken in f32 and in the order of
 * the ranks, so that they have the same bits on every run and on every rank; only {@link
 * #allReduce} of f32 under MPI takes the order that the library chooses, and then equals the others
 * to rounding.
 */
public final class ProcessGroup implements AutoCloseable {
  private final Collectives collectives;
  private final @Nullable ProcessGroup whole;
  private final ThreadFactory threads;
  private final LinkedBlockingQueue<Exchange> queue = new LinkedBlockingQueue<>();
  private final Exchange end = new Exchange(this, () -> {});
  private final Thread worker;

  /** Exchanges that were started and are not done. */
  private final AtomicInteger pending = new AtomicInteger();

  private long waitedNanos;

  /** The threads of a group and of its parts add to it at the same time. */
  private final AtomicLong bytesSent = new AtomicLong();

  ProcessGroup(Collectives collectives) {
    this(collectives, Thread.ofPlatform().factory());
  }

  ProcessGroup(Collectives collectives, ThreadFactory threads) {
    this(collectives, null, threads);
  }

  /** A part of a group, or a whole one. */
  private ProcessGroup(
      Collectives collectives, @Nullable ProcessGroup whole, ThreadFactory threads) {
    this.collectives = collectives;
    this.whole = whole;
    this.threads = threads;
    worker = threads.newThread(this::work);
    worker.setName("ft-rank-" + collectives.rank());
    worker.setDaemon(true);
    worker.start();
  }

  /** A group of one rank. */
  public static ProcessGroup alone() {
    return new ProcessGroup(new InProcessCollectives(new Meeting(1), 0));
  }

  /**
   * The group of all processes that mpirun started with this one. Closing it leaves MPI, which a
   * process can do once.
   *
   * @throws IllegalArgumentException if mpirun did not start this process, or no MPI library is
   *     installed
   */
  public static ProcessGroup mpi() {
    return new ProcessGroup(MpiCollectives.world());
  }

  /**
   * The first of several ranks that do not exist, to plan a run with: nothing is exchanged.
   *
   * @param ranks how many there are to be
   * @param nodeRanks how many of them in a node; a divisor of their number
   */
  public static ProcessGroup imagined(int ranks, int nodeRanks) {
    Deque<Integer> parts = new ArrayDeque<>(List.of(nodeRanks, ranks / nodeRanks));
    return new ProcessGroup(new ImaginedCollectives(ranks, parts));
  }

  @SuppressWarnings("ReferenceEquality") // The one mark of the end.
  private void work() {
    try {
      Exchange next = queue.take();
      while (next != end) {
        next.perform();
        next = queue.take();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Leaves an exchange to the group's thread. */
  void enqueue(Exchange exchange) {
    pending.incrementAndGet();
    queue.add(exchange);
  }

  /**
   * Performs an exchange on the calling thread, unless others were started before and are not done:
   * then its turn comes after theirs, on the group's thread.
   *
   * @return whether it was performed
   */
  boolean performHere(Exchange exchange) {
    boolean first = pending.compareAndSet(0, 1);
    if (first) {
      exchange.perform();
    }
    return first;
  }

  /** An exchange's work is done. */
  void done() {
    pending.decrementAndGet();
  }

  /** Throws what tells that a group takes no more exchanges. */
  void requireOpen() {
    if (!worker.isAlive()) {
      throw new IllegalStateException("the process group was closed");
    }
  }

  void waited(long nanos) {
    waitedNanos += nanos;
    if (whole != null) {
      whole.waited(nanos);
    }
  }

  private void sent(long bytes) {
    bytesSent.addAndGet(bytes);
    if (whole != null) {
      whole.sent(bytes);
    }
  }

  /** This rank's number, from 0. */
  public int rank() {
    return collectives.rank();
  }

  /** Number of ranks, N. */
  public int size() {
    return collectives.size();
  }

  /** Time that this rank has waited for exchanges so far, also in parts of it, in nanoseconds. */
  public long waitedNanos() {
    return waitedNanos;
  }

  /**
   * Bytes that the exchanges done so far had to send from this rank, at least, also in parts of it.
   */
  public long bytesSent() {
    return bytesSent.get();
  }

  // ---- Collectives ----

  /**
   * Puts every rank's memory side by side, in rank order.
   *
   * @param mine this rank's, n bytes of anything; it may be its place in {@code all}
   * @param all takes all, N·n bytes
   * @throws IllegalArgumentException if the sizes do not fit
   */
  public Exchange allGather(MemorySegment mine, MemorySegment all) {
    requireParts("all-gather", mine, all);
    long sent = mine.byteSize() * (size() - 1);
    return exchange(sent, () -> collectives.allGather(mine, all));
  }

  /**
   * The same with numbers.
   *
   * @param travelling f32 or bf16
   * @throws IllegalArgumentException if the sizes do not fit, or for another type
   */
  public Exchange allGather(MemorySegment mine, MemorySegment all, DType travelling) {
    if (travelling == DType.F32) {
      return allGather(mine, all);
    }
    requireParts("all-gather", mine, all);
    long sent = travelBytes(mine.byteSize(), travelling) * (size() - 1);
    return exchange(sent, () -> collectives.allGatherRounded(mine, all));
  }

  /**
   * Adds to {@code mine} the sum over all ranks of the part of {@code all} that is this rank's.
   *
   * @param all N parts of equal length
   * @param travelling f32 or bf16, for what is added
   * @param mine the length of one part
   * @throws IllegalArgumentException if the sizes do not fit, or for another type
   */
  public Exchange reduceScatter(MemorySegment all, DType travelling, MemorySegment mine) {
    requireParts("reduce-scatter", mine, all);
    long sent = travelBytes(mine.byteSize(), travelling) * (size() - 1);
    return exchange(sent, () -> collectives.reduceScatter(all, travelling, mine));
  }

  /**
   * Replaces values by their sum over all ranks: under MPI, of f32, in the library's own order.
   *
   * @param travelling f32 or bf16, for the terms and then for the sum
   * @throws IllegalArgumentException for another type
   */
  public Exchange allReduce(MemorySegment values, DType travelling) {
    long sent = 2 * (travelBytes(values.byteSize(), travelling) / size() * (size() - 1));
    return exchange(sent, () -> collectives.allReduce(values, travelling));
  }

  /**
   * Replaces memory by that of one rank.
   *
   * @param root the rank
   * @throws IllegalArgumentException if there is no such rank
   */
  public Exchange broadcast(MemorySegment bytes, int root) {
    if (root < 0 || root >= size()) {
      throw new IllegalArgumentException(
          "broadcast from rank %d: allowed are 0 to %d".formatted(root, size() - 1));
    }
    return exchange(
        rank() == root ? bytes.byteSize() : 0, () -> collectives.broadcast(bytes, root));
  }

  /** Is done when all ranks have started it. */
  public Exchange barrier() {
    return exchange(0, collectives::barrier);
  }

  /**
   * The ranks of equal color as a group of their own, in the same order; all ranks call it.
   *
   * @param color 0 to N − 1
   */
  public ProcessGroup split(int color) {
    if (color < 0 || color >= size()) {
      throw new IllegalArgumentException(
          "color %d: allowed are 0 to %d".formatted(color, size() - 1));
    }
    ProcessGroup[] part = new ProcessGroup[1];
    exchange(0, () -> part[0] = new ProcessGroup(collectives.split(color), this, threads)).run();
    return part[0];
  }

  /**
   * Ends what all other ranks do together with this one: by a {@link RankFailure} in one process,
   * and under MPI by ending all processes, this one too.
   */
  public void abort(Throwable cause) {
    collectives.abort(cause);
  }

  private Exchange exchange(long sent, Runnable work) {
    return new Exchange(
        this,
        () -> {
          work.run();
          sent(sent);
        });
  }

  /** Bytes that f32 numbers are on the way. */
  private static long travelBytes(long bytes, DType travelling) {
    if (travelling != DType.F32 && travelling != DType.BF16) {
      throw new IllegalArgumentException(
          "numbers cannot travel as %s: allowed are F32 and BF16".formatted(travelling));
    }
    return bytes / Float.BYTES * travelling.bytes();
  }

  private void requireParts(String name, MemorySegment mine, MemorySegment all) {
    if (all.byteSize() != mine.byteSize() * size()) {
      throw new IllegalArgumentException(
          "%s over %d ranks: %d bytes of one rank do not fit %d of all"
              .formatted(name, size(), mine.byteSize(), all.byteSize()));
    }
  }

  /** Does what was started, then ends the group's thread. */
  @Override
  public void close() {
    queue.add(end);
    try {
      worker.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    collectives.close();
  }
}

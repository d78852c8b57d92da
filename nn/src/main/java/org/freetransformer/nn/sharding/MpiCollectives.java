package org.freetransformer.nn.sharding;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;

/**
 * Ranks that are processes started by mpirun, on one machine or many. Parts of sums are exchanged
 * and added up here, in rank order, as in one process; only the sum of whole f32 arrays is MPI's
 * own, whose order is the library's. What is added up or narrowed here goes piece by piece through
 * memory of a fixed size.
 */
@SuppressWarnings("MustBeClosedChecker") // The scratch memory lives until close.
final class MpiCollectives implements Collectives {
  /** Bytes that all ranks together exchange at a time, about. */
  private static final long PIECES = 2 << 20;

  /** Elements of a rank's piece, at least: fewer would only be more calls. */
  private static final long LEAST = 1 << 14;

  private static final long LINE = 64;

  private final MpiLibrary library;
  private final long communicator;
  private final boolean isWorld;
  private final int rank;
  private final int size;
  private final Arena arena = Arena.ofShared();

  /** What a rank sends and receives, made when it is first needed. */
  private MemorySegment sent = MemorySegment.NULL;

  private MemorySegment received = MemorySegment.NULL;

  private MpiCollectives(MpiLibrary library, long communicator, boolean isWorld) {
    this.library = library;
    this.communicator = communicator;
    this.isWorld = isWorld;
    this.rank = library.rank(communicator);
    this.size = library.size(communicator);
  }

  /** All ranks that mpirun started; can be asked for once. */
  static MpiCollectives world() {
    MpiLibrary library = MpiLibrary.start();
    return new MpiCollectives(library, library.world(), true);
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public void allGather(MemorySegment mine, MemorySegment all) {
    library.allGather(communicator, mine, all);
  }

  // Below, numbers are counted in elements; floats(memory, from, n) are n of them.

  @Override
  public void allGatherRounded(MemorySegment mine, MemorySegment all) {
    long count = mine.byteSize() / Float.BYTES;
    for (long from = 0; from < count; from += most()) {
      long n = Math.min(most(), count - from);
      MemorySegment narrow = sent(n * Short.BYTES);
      Numbers.narrow(floats(mine, from, n), narrow);
      MemorySegment others = received(size * n * Short.BYTES);
      library.allGather(communicator, narrow, others);
      for (int other = 0; other < size; other++) {
        Numbers.widen(halves(others, other * n, n), floats(all, other * count + from, n));
      }
    }
  }

  @Override
  public void reduceScatter(MemorySegment all, DType travelling, MemorySegment mine) {
    long count = mine.byteSize() / Float.BYTES;
    for (long from = 0; from < count; from += most()) {
      long n = Math.min(most(), count - from);
      MemorySegment sum = floats(mine, from, n);
      if (travelling == DType.BF16) {
        addHalves(all, count, from, sum);
      } else {
        MemorySegment terms = received(size * n * Float.BYTES);
        library.allToAll(communicator, all, count, from, n, terms);
        for (int other = 0; other < size; other++) {
          Numbers.add(sum, floats(terms, other * n, n));
        }
      }
    }
  }

  /** Adds all ranks' pieces that are this rank's, having sent the others theirs in bf16. */
  private void addHalves(MemorySegment all, long count, long from, MemorySegment sum) {
    long n = sum.byteSize() / Float.BYTES;
    MemorySegment pieces = sent(size * n * Short.BYTES);
    for (int other = 0; other < size; other++) {
      Numbers.narrow(floats(all, other * count + from, n), halves(pieces, other * n, n));
    }
    MemorySegment terms = received(pieces.byteSize());
    library.allToAll(communicator, pieces, terms, size);
    for (int other = 0; other < size; other++) {
      Numbers.addHalves(sum, halves(terms, other * n, n));
    }
  }

  @Override
  public void allReduce(MemorySegment values, DType travelling) {
    if (travelling == DType.F32) {
      library.allReduceFloats(communicator, values);
      return;
    }
    // MPI knows no bfloat16: pieces are exchanged, added up, and gathered again.
    long count = values.byteSize() / Float.BYTES;
    for (long from = 0; from < count; from += most() * size) {
      long n = Math.min(most() * size, count - from);
      allReduceHalves(floats(values, from, n));
    }
  }

  private void allReduceHalves(MemorySegment values) {
    long count = values.byteSize() / Float.BYTES;
    long n = Math.ceilDiv(count, size); // Elements that a rank adds up; the last may have padding.
    MemorySegment pieces = sent(size * n * Short.BYTES);
    Numbers.narrow(values, halves(pieces, 0, count));
    halves(pieces, count, size * n - count).fill((byte) 0);
    MemorySegment terms = received(pieces.byteSize());
    library.allToAll(communicator, pieces, terms, size);
    try (Arena block = Arena.ofConfined()) {
      MemorySegment sum = block.allocate(n * Float.BYTES, LINE);
      for (int other = 0; other < size; other++) {
        Numbers.addHalves(sum, halves(terms, other * n, n));
      }
      MemorySegment narrow = halves(pieces, 0, n);
      Numbers.narrow(sum, narrow);
      library.allGather(communicator, narrow, terms);
    }
    Numbers.widen(halves(terms, 0, count), values);
  }

  private static MemorySegment floats(MemorySegment memory, long from, long n) {
    return memory.asSlice(from * Float.BYTES, n * Float.BYTES);
  }

  private static MemorySegment halves(MemorySegment memory, long from, long n) {
    return memory.asSlice(from * Short.BYTES, n * Short.BYTES);
  }

  /** Elements of a rank's piece, at most. */
  private long most() {
    return Math.max(LEAST, PIECES / Float.BYTES / size);
  }

  private MemorySegment sent(long bytes) {
    if (sent.byteSize() == 0) {
      sent = arena.allocate(most() * size * Short.BYTES, LINE);
    }
    return sent.asSlice(0, bytes);
  }

  private MemorySegment received(long bytes) {
    if (received.byteSize() == 0) {
      received = arena.allocate(most() * size * Float.BYTES, LINE);
    }
    return received.asSlice(0, bytes);
  }

  @Override
  public void broadcast(MemorySegment bytes, int root) {
    library.broadcast(communicator, bytes, root);
  }

  @Override
  public void barrier() {
    library.barrier(communicator);
  }

  @Override
  public Collectives split(int color) {
    return new MpiCollectives(library, library.split(communicator, color, rank), false);
  }

  @Override
  public void abort(Throwable cause) {
    library.abort();
  }

  @Override
  public void close() {
    arena.close();
    if (isWorld) {
      library.finish();
    }
  }
}

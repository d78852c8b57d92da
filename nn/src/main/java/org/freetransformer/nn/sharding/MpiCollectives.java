package org.freetransformer.nn.sharding;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.DType;

/**
 * Ranks that are processes started by mpirun, on one machine or many. Parts of sums are exchanged
 * and added up here, in rank order, as in one process; only the sum of whole f32 arrays is MPI's
 * own, whose order is the library's.
 */
@SuppressWarnings("MustBeClosedChecker") // The scratch memory lives until close.
final class MpiCollectives implements Collectives {
  private final MpiLibrary library;
  private final long communicator;
  private final boolean isWorld;
  private final int rank;
  private final int size;
  private final RankSums sums = new RankSums();
  private Arena arena = Arena.ofShared();
  private MemorySegment scratch = MemorySegment.NULL;

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

  @Override
  public void reduceScatter(MemorySegment all, DType type, MemorySegment mine) {
    MemorySegment received = scratch(all.byteSize());
    library.allToAll(communicator, all, received, size);
    long part = all.byteSize() / size;
    sums.add(mine, other -> received.asSlice(other * part, part), type, size);
  }

  @Override
  public void allReduce(MemorySegment values, DType type) {
    if (type == DType.F32) {
      library.allReduceFloats(communicator, values);
      return;
    }
    // MPI knows no bfloat16: parts are exchanged, added up, and gathered again.
    long part = Math.ceilDiv(values.byteSize() / type.bytes(), size) * (long) type.bytes();
    MemorySegment both = scratch(2 * part * size);
    MemorySegment padded = both.asSlice(0, part * size);
    MemorySegment received = both.asSlice(part * size);
    padded.copyFrom(values);
    library.allToAll(communicator, padded, received, size);
    MemorySegment sum = padded.asSlice(0, part);
    sums.replace(sum, other -> received.asSlice(other * part, part), type, size);
    library.allGather(communicator, sum, received);
    values.copyFrom(received.asSlice(0, values.byteSize()));
  }

  @SuppressWarnings("MustBeClosedChecker") // Closed when more is needed, or with this.
  private MemorySegment scratch(long bytes) {
    if (scratch.byteSize() < bytes) {
      arena.close();
      arena = Arena.ofShared();
      scratch = arena.allocate(bytes, 64);
    }
    return scratch.asSlice(0, bytes);
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

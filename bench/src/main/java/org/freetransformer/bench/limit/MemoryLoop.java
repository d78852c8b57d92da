package org.freetransformer.bench.limit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.freetransformer.tensor.device.simd.ThreadTeam;

/**
 * Reads and writes a number of bytes and computes nothing, on every thread: the limit of operations
 * that memory bounds. What they read or write twice is twice the same memory here too, so the
 * working set is as large as theirs, and both enjoy the caches alike.
 */
public final class MemoryLoop implements Runnable, AutoCloseable {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int VECTOR = SPECIES.vectorByteSize();
  private static final int STREAMS = 4;
  private static final int UNROLL = STREAMS * VECTOR;
  private static final long ALIGNMENT = 64;

  /** Enough that a thread that is held up leaves its work to others. */
  private static final int BLOCKS = 32;

  private final ThreadTeam team;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment source;
  private final MemorySegment target;
  private final MemorySegment updated;
  private final MemorySegment refilled;

  /** What is read again, one after the other: the whole so many times, and a part of it. */
  private final List<MemorySegment> again = new ArrayList<>();

  private final float[] results;

  /** A loop shared by threads. */
  public MemoryLoop(Traffic traffic, int threads) {
    team = new ThreadTeam(threads);
    source = allocate(traffic.read());
    target = allocate(traffic.written());
    updated = allocate(traffic.updated());
    refilled = updated.asSlice(0, steps(Math.min(traffic.refilled(), updated.byteSize())));
    MemorySegment whole = source.byteSize() > 0 ? source : updated;
    long left = whole.byteSize() > 0 ? steps(traffic.readAgain()) : 0;
    while (left > 0) {
      again.add(whole.asSlice(0, Math.min(left, whole.byteSize())));
      left -= whole.byteSize();
    }
    results = new float[threads];
  }

  private static long steps(long bytes) {
    return Math.ceilDiv(bytes, UNROLL) * UNROLL;
  }

  /** Memory of whole steps, touched once so that its pages are there. */
  private MemorySegment allocate(long bytes) {
    return arena.allocate(steps(bytes), ALIGNMENT).fill((byte) 0);
  }

  @Override
  public void run() {
    if (refilled.byteSize() > 0) {
      team.run(BLOCKS, (block, _) -> fill(part(refilled, block)));
    }
    team.run(BLOCKS, this::moveAllOnce);
    for (MemorySegment one : again) {
      team.run(BLOCKS, (block, worker) -> results[worker] = sum(part(one, block)));
    }
  }

  private void moveAllOnce(int block, int worker) {
    MemorySegment in = part(source, block);
    MemorySegment out = part(target, block);
    long both = Math.min(in.byteSize(), out.byteSize());
    copy(in.asSlice(0, both), out.asSlice(0, both));
    results[worker] = sum(in.asSlice(both));
    fill(out.asSlice(both));
    MemorySegment inPlace = part(updated, block);
    copy(inPlace, inPlace);
  }

  /** One block's part: a multiple of the step. */
  private static MemorySegment part(MemorySegment whole, int block) {
    long steps = whole.byteSize() / UNROLL;
    long from = steps * block / BLOCKS * UNROLL;
    long to = steps * (block + 1) / BLOCKS * UNROLL;
    return whole.asSlice(from, to - from);
  }

  private static void copy(MemorySegment in, MemorySegment out) {
    MemorySegment target = offHeap(out);
    for (long at = 0; at < in.byteSize(); at += VECTOR) {
      FloatVector.fromMemorySegment(SPECIES, in, at, ORDER).intoMemorySegment(target, at, ORDER);
    }
  }

  /** Reads four streams at once, which keeps more of the prefetchers busy than one. */
  private static float sum(MemorySegment in) {
    FloatVector a = FloatVector.zero(SPECIES);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    long quarter = in.byteSize() / STREAMS;
    for (long at = 0; at < quarter; at += VECTOR) {
      a = a.add(FloatVector.fromMemorySegment(SPECIES, in, at, ORDER));
      b = b.add(FloatVector.fromMemorySegment(SPECIES, in, at + quarter, ORDER));
      c = c.add(FloatVector.fromMemorySegment(SPECIES, in, at + 2 * quarter, ORDER));
      d = d.add(FloatVector.fromMemorySegment(SPECIES, in, at + 3 * quarter, ORDER));
    }
    return a.add(b).add(c).add(d).lane(0);
  }

  private static void fill(MemorySegment out) {
    FloatVector zero = FloatVector.zero(SPECIES);
    MemorySegment target = offHeap(out);
    for (long at = 0; at < target.byteSize(); at += VECTOR) {
      zero.intoMemorySegment(target, at, ORDER);
    }
  }

  /** Lets C2 know where stores go, as the kernels beside which the loop stands do. */
  private static MemorySegment offHeap(MemorySegment memory) {
    if (!memory.isNative()) {
      throw new IllegalArgumentException("a limit is measured off the heap");
    }
    return memory;
  }

  @Override
  public void close() {
    team.close();
    arena.close();
  }
}

package org.freetransformer.bench.limit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Reads and writes a number of bytes and computes nothing, on every thread: the limit of operations
 * that memory bounds. The working set is as large as theirs, so both enjoy the caches alike.
 */
public final class MemoryLoop implements Runnable, AutoCloseable {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int VECTOR = SPECIES.vectorByteSize();
  private static final int UNROLL = 4 * VECTOR;
  private static final long ALIGNMENT = 64;

  private final Crew crew;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment source;
  private final MemorySegment target;
  private final float[] results;

  /** A loop that reads and writes so many bytes, shared by threads. */
  public MemoryLoop(long bytesRead, long bytesWritten, int threads) {
    crew = new Crew(threads);
    source = arena.allocate(bytesRead + UNROLL, ALIGNMENT).fill((byte) 0);
    target = arena.allocate(bytesWritten + UNROLL, ALIGNMENT).fill((byte) 0);
    results = new float[threads];
  }

  @Override
  public void run() {
    crew.run(member -> {
      MemorySegment in = share(source, member);
      MemorySegment out = share(target, member);
      long both = Math.min(in.byteSize(), out.byteSize());
      copy(in, out, both);
      results[member] = sum(in, both) + fill(out, both);
    });
  }

  /** One member's part: a multiple of the unrolled step. */
  private MemorySegment share(MemorySegment whole, int member) {
    long steps = whole.byteSize() / UNROLL;
    long from = steps * member / crew.size() * UNROLL;
    long to = steps * (member + 1) / crew.size() * UNROLL;
    return whole.asSlice(from, to - from);
  }

  private static void copy(MemorySegment in, MemorySegment out, long bytes) {
    for (long at = 0; at < bytes; at += VECTOR) {
      FloatVector.fromMemorySegment(SPECIES, in, at, ORDER).intoMemorySegment(out, at, ORDER);
    }
  }

  private static float sum(MemorySegment in, long from) {
    FloatVector a = FloatVector.zero(SPECIES);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (long at = from; at < in.byteSize(); at += UNROLL) {
      a = a.add(FloatVector.fromMemorySegment(SPECIES, in, at, ORDER));
      b = b.add(FloatVector.fromMemorySegment(SPECIES, in, at + VECTOR, ORDER));
      c = c.add(FloatVector.fromMemorySegment(SPECIES, in, at + 2L * VECTOR, ORDER));
      d = d.add(FloatVector.fromMemorySegment(SPECIES, in, at + 3L * VECTOR, ORDER));
    }
    return a.add(b).add(c).add(d).lane(0);
  }

  private static float fill(MemorySegment out, long from) {
    FloatVector zero = FloatVector.zero(SPECIES);
    for (long at = from; at < out.byteSize(); at += VECTOR) {
      zero.intoMemorySegment(out, at, ORDER);
    }
    return 0;
  }

  @Override
  public void close() {
    crew.close();
    arena.close();
  }
}

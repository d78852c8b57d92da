package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;
import org.jspecify.annotations.Nullable;

/** Elements copied and memory filled. */
final class Copies {
  private static final int BLOCK_BYTES = 4 * Workers.BLOCK;

  // From here on, moving a run's bytes beats gathering its numbers into vectors.
  private static final int LONG_RUN = 64;

  // Whole cache lines that vectors write need not be read before. Less than this stays in the
  // cache, and a program that has just begun has no compiled loop of vectors.
  private static final long LARGE_BYTES = 1 << 20;

  private static final int VECTOR_BYTES = 4 * Lanes.COUNT;

  private Copies() {}

  /**
   * A kernel, or null where a type is neither f32 nor of 16 bits and there is more to do than to
   * move bytes.
   */
  static @Nullable Kernel copy(Instruction.Copy instruction, Workers workers) {
    Buffer in = instruction.in();
    Buffer out = instruction.out().buffer();
    boolean accumulate = instruction.out().accumulate();
    if (in.dtype() == out.dtype() && !accumulate && in.isContiguous() && out.isContiguous()) {
      return bytes(Memory.of(in), Memory.of(out), out.bytes(), workers);
    }
    Loops loops = Loops.over(in.layout(), out.layout());
    boolean inRuns = loops.innerStride(0) == 1 && loops.innerStride(1) == 1;
    if (in.dtype() == out.dtype() && !accumulate && inRuns && loops.inner() >= LONG_RUN) {
      return runs(in, out, loops, workers);
    }
    if (!isVector(in) || !isVector(out)) {
      return null;
    }
    boolean single = in.dtype() == DType.F32 && out.dtype() == DType.F32;
    Kernel transposed = single ? TransposedCopy.of(instruction, workers) : null;
    if (transposed != null) {
      return transposed;
    }
    return new Elementwise(
        workers,
        instruction.out(),
        (memory, at, n, _, _) -> {
          for (int i = 0; i < n; i += Lanes.COUNT) {
            FloatVector y = Lanes.load(memory[1], at[1] + 4L * i);
            long to = at[0] + 4L * i;
            Lanes.put(y, accumulate, memory[0], to);
          }
        },
        in);
  }

  private static boolean isVector(Buffer buffer) {
    return buffer.dtype() == DType.F32 || Halves.are(buffer.dtype());
  }

  /** Runs of neighbours, as of a broadcast row. */
  private static Kernel runs(Buffer in, Buffer out, Loops loops, Workers workers) {
    MemorySegment from = Memory.of(in);
    MemorySegment to = Memory.of(out);
    long size = out.dtype().bytes();
    int length = loops.inner();
    RowBlocks blocks = RowBlocks.of(Math.toIntExact(out.size() / length), length);
    ThreadTeam.Task task =
        (block, _) -> {
          for (int run = blocks.first(block); run < blocks.end(block); run++) {
            long first = (long) run * length;
            long source = loops.position(0, first) * size;
            MemorySegment.copy(from, source, to, loops.position(1, first) * size, length * size);
          }
        };
    return () -> workers.run(blocks.count(), blocks.elements(), task);
  }

  private static Kernel bytes(MemorySegment from, MemorySegment to, long size, Workers workers) {
    ThreadTeam.Task task =
        (block, _) -> {
          long start = (long) block * BLOCK_BYTES;
          MemorySegment.copy(from, start, to, start, Math.min(BLOCK_BYTES, size - start));
        };
    int blocks = Math.toIntExact(Math.ceilDiv(size, BLOCK_BYTES));
    return () -> workers.run(blocks, size / Float.BYTES, task);
  }

  /** A kernel, or null where an odd type is strided or filled with other than 0. */
  static @Nullable Kernel fill(Instruction.Fill instruction, Workers workers) {
    Buffer out = instruction.out();
    float value = (float) instruction.value();
    if (out.isContiguous() && Double.doubleToRawLongBits(instruction.value()) == 0) {
      return zeros(Memory.of(out), out.bytes(), workers);
    }
    if (out.dtype() != DType.F32) {
      return null;
    }
    return new Elementwise(
        workers,
        Output.to(out),
        (memory, at, n, _, _) -> {
          for (int i = 0; i < n; i += Lanes.COUNT) {
            Lanes.store(Lanes.all(value), memory[0], at[0] + 4L * i);
          }
        });
  }

  private static Kernel zeros(MemorySegment out, long size, Workers workers) {
    boolean large = size >= LARGE_BYTES;
    ThreadTeam.Task task =
        (block, _) -> {
          long start = (long) block * BLOCK_BYTES;
          long bytes = Math.min(BLOCK_BYTES, size - start);
          long cleared = large ? clear(out, start, bytes) : 0;
          out.asSlice(start + cleared, bytes - cleared).fill((byte) 0);
        };
    int blocks = Math.toIntExact(Math.ceilDiv(size, BLOCK_BYTES));
    return () -> workers.run(blocks, size / Float.BYTES, task);
  }

  /** Clears whole vectors; says how many bytes these are. */
  static long clear(MemorySegment out, long start, long bytes) {
    FloatVector zero = FloatVector.zero(Lanes.SPECIES);
    long whole = bytes - bytes % VECTOR_BYTES;
    for (long at = start; at < start + whole; at += VECTOR_BYTES) {
      Lanes.store(zero, out, at);
    }
    return whole;
  }
}

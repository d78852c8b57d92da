package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.freetransformer.tensor.device.Draws;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;

/**
 * Random numbers and dropout. Numbers come four at a time from the counter-based generator; a run
 * of elements always begins at a whole block of four.
 */
final class RandomLoops {
  private RandomLoops() {}

  /** Words that {@link #draw} writes at most for {@code n} numbers, wherever they begin. */
  static int room(int n) {
    return n + VectorPhilox.LANES * Draws.BLOCK;
  }

  /** The words of numbers from {@code first} on, or from the start of the block that it is in. */
  static void draw(Draws draws, long first, int n, int[] words) {
    draws.blocks(first / Draws.BLOCK, Math.ceilDiv(n, Draws.BLOCK), words, VectorPhilox::blocks);
  }

  static Kernel random(Instruction.Random instruction, Workers workers) {
    Draws draws = new Draws(instruction.rng(), instruction.salt());
    workers.requireWords(room(Elementwise.RUN));
    double a = instruction.a();
    double b = instruction.b();
    Elementwise.Body body =
        switch (instruction.distribution()) {
          case UNIFORM ->
              (memory, at, n, first, worker) -> {
                int[] words = workers.words(worker);
                draw(draws, first, n, words);
                uniform(words, n, memory[0], at[0], a, b);
              };
          case NORMAL ->
              (memory, at, n, first, worker) -> {
                int[] words = workers.words(worker);
                draw(draws, first, n, words);
                normal(words, n, memory[0], at[0], a, b);
              };
        };
    return drawing(draws, new Elementwise(workers, Output.to(instruction.out()), body));
  }

  private static Kernel drawing(Draws draws, Kernel kernel) {
    return () -> {
      draws.refresh();
      kernel.run();
    };
  }

  private static void uniform(
      int[] words, int n, MemorySegment out, long at, double low, double high) {
    double width = high - low;
    float most = Draws.mostBelow(low, high);
    for (int i = 0; i < n; i++) {
      float value = (float) (low + width * Draws.uniform(words[i]));
      out.set(Memory.FLOAT, at + 4L * i, Math.min(value, most));
    }
  }

  private static void normal(
      int[] words, int n, MemorySegment out, long at, double mean, double deviation) {
    for (int i = 0; i < n; i += 2) {
      double radius = Math.sqrt(-2 * Math.log1p(-Draws.uniform(words[i])));
      double angle = 2 * Math.PI * Draws.uniform(words[i + 1]);
      float first = (float) (mean + deviation * (radius * Math.cos(angle)));
      float second = (float) (mean + deviation * (radius * Math.sin(angle)));
      out.set(Memory.FLOAT, at + 4L * i, first);
      out.set(Memory.FLOAT, at + 4L * (i + 1), second);
    }
  }

  /** What is dropped: uniform numbers are whole multiples of 2^-24, and compared as such. */
  static int threshold(double rate) {
    return (int) Math.ceil(rate * Draws.VALUES);
  }

  static Kernel dropout(Instruction.Dropout instruction, Workers workers) {
    Draws draws = new Draws(instruction.rng(), instruction.salt());
    workers.requireWords(room(Elementwise.RUN));
    int threshold = threshold(instruction.rate());
    float scale = (float) (1 / (1 - instruction.rate()));
    boolean accumulate = instruction.out().accumulate();
    Elementwise.Body body =
        (memory, at, n, first, worker) -> {
          int ahead = (int) (first % Draws.BLOCK);
          int[] words = workers.words(worker);
          draw(draws, first, ahead + n, words);
          drop(words, ahead, n, threshold, scale, accumulate, memory, at);
        };
    return drawing(draws, new Elementwise(workers, instruction.out(), body, instruction.in()));
  }

  private static void drop(
      int[] words,
      int ahead,
      int n,
      int threshold,
      float scale,
      boolean accumulate,
      MemorySegment[] memory,
      long[] at) {
    MemorySegment out = memory[0];
    MemorySegment in = memory[1];
    long to = at[0];
    long from = at[1];
    FloatVector zero = FloatVector.zero(Lanes.SPECIES);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      IntVector word = IntVector.fromArray(IntVector.SPECIES_PREFERRED, words, ahead + i);
      VectorMask<Float> kept =
          word.lanewise(VectorOperators.LSHR, Draws.UNUSED_BITS)
              .compare(VectorOperators.GE, threshold)
              .cast(Lanes.SPECIES);
      FloatVector y = zero.blend(Lanes.load(in, from + 4L * i).mul(scale), kept);
      Lanes.put(y, accumulate, out, to + 4L * i);
    }
  }
}

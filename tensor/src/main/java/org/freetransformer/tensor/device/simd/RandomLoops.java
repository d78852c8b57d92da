package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
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

  static Kernel random(Instruction.Random instruction, Workers workers) {
    Draws draws = new Draws(instruction.rng(), instruction.salt());
    int[][] words = new int[workers.size()][Draws.BLOCK];
    double a = instruction.a();
    double b = instruction.b();
    Elementwise.Body body =
        switch (instruction.distribution()) {
          case UNIFORM ->
              (memory, at, n, first, worker) -> {
                for (int i = 0; i < n; i += Draws.BLOCK) {
                  draws.block((first + i) / Draws.BLOCK, words[worker]);
                  uniform(words[worker], memory[0], at[0] + 4L * i, a, b - a);
                }
              };
          case NORMAL ->
              (memory, at, n, first, worker) -> {
                for (int i = 0; i < n; i += Draws.BLOCK) {
                  draws.block((first + i) / Draws.BLOCK, words[worker]);
                  normal(words[worker], memory[0], at[0] + 4L * i, a, b);
                }
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

  private static void uniform(int[] words, MemorySegment out, long at, double low, double width) {
    for (int j = 0; j < Draws.BLOCK; j++) {
      float value = (float) (low + width * Draws.uniform(words[j]));
      out.set(Memory.FLOAT, at + 4L * j, value);
    }
  }

  private static void normal(
      int[] words, MemorySegment out, long at, double mean, double deviation) {
    for (int j = 0; j < Draws.BLOCK; j += 2) {
      double radius = Math.sqrt(-2 * Math.log1p(-Draws.uniform(words[j])));
      double angle = 2 * Math.PI * Draws.uniform(words[j + 1]);
      float first = (float) (mean + deviation * (radius * Math.cos(angle)));
      float second = (float) (mean + deviation * (radius * Math.sin(angle)));
      out.set(Memory.FLOAT, at + 4L * j, first);
      out.set(Memory.FLOAT, at + 4L * (j + 1), second);
    }
  }

  static Kernel dropout(Instruction.Dropout instruction, Workers workers) {
    Draws draws = new Draws(instruction.rng(), instruction.salt());
    int[][] words = new int[workers.size()][Draws.BLOCK];
    double rate = instruction.rate();
    float scale = (float) (1 / (1 - rate));
    boolean accumulate = instruction.out().accumulate();
    Elementwise.Body body =
        (memory, at, n, first, worker) -> {
          for (int i = 0; i < n; i++) {
            int word = (int) ((first + i) % Draws.BLOCK);
            if (word == 0) {
              draws.block((first + i) / Draws.BLOCK, words[worker]);
            }
            long to = at[0] + 4L * i;
            boolean kept = Draws.uniform(words[worker][word]) >= rate;
            float y = kept ? memory[1].get(Memory.FLOAT, at[1] + 4L * i) * scale : 0;
            memory[0].set(Memory.FLOAT, to, accumulate ? y + memory[0].get(Memory.FLOAT, to) : y);
          }
        };
    return drawing(draws, new Elementwise(workers, instruction.out(), body, instruction.in()));
  }
}

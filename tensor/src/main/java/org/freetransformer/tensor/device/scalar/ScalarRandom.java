package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Draws;
import org.freetransformer.tensor.device.Instruction.Dropout;
import org.freetransformer.tensor.device.Instruction.Random;
import org.freetransformer.tensor.device.Kernel;

/** Random numbers: each a function of (seed, step, salt, element index). */
final class ScalarRandom {
  private ScalarRandom() {}

  static Kernel random(Random op) {
    return switch (op.distribution()) {
      case UNIFORM -> uniform(op);
      case NORMAL -> normal(op);
    };
  }

  private static Kernel uniform(Random op) {
    Draws draws = new Draws(op.rng(), op.salt());
    int[] words = new int[Draws.BLOCK];
    Elements out = new Elements(op.out());
    double low = op.a();
    double width = op.b() - op.a();
    // In f64 every multiple of 2^-24 has its place, and nothing is rounded up.
    double most = op.out().dtype() == DType.F64 ? op.b() : Draws.mostBelow(op.a(), op.b());
    return () -> {
      draws.refresh();
      for (long i = 0; i < out.size(); i++) {
        out.set(i, Math.min(low + width * draws.uniform(i, words), most));
      }
    };
  }

  private static Kernel normal(Random op) {
    Draws draws = new Draws(op.rng(), op.salt());
    int[] words = new int[Draws.BLOCK];
    Elements out = new Elements(op.out());
    double mean = op.a();
    double deviation = op.b();
    return () -> {
      draws.refresh();
      for (long i = 0; i < out.size(); i++) {
        long first = i - i % 2;
        double radius = Math.sqrt(-2 * Math.log1p(-draws.uniform(first, words)));
        double angle = 2 * Math.PI * draws.uniform(first + 1, words);
        double z = radius * (i == first ? Math.cos(angle) : Math.sin(angle));
        out.set(i, mean + deviation * z);
      }
    };
  }

  static Kernel dropout(Dropout op) {
    Draws draws = new Draws(op.rng(), op.salt());
    int[] words = new int[Draws.BLOCK];
    Elements in = new Elements(op.in());
    Result out = new Result(op.out());
    double rate = op.rate();
    return () -> {
      draws.refresh();
      for (long i = 0; i < out.size(); i++) {
        boolean kept = draws.uniform(i, words) >= rate;
        out.put(i, kept ? in.get(i) / (1 - rate) : 0);
      }
    };
  }
}

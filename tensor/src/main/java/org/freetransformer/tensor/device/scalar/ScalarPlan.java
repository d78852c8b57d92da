package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.Draws;
import org.freetransformer.tensor.device.Instruction.PlanBits;
import org.freetransformer.tensor.device.Instruction.SamplePlan;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.UnaryFunction;
import org.jspecify.annotations.Nullable;

/** The latent plan: from bit logits to a plan index, and from an index to its bits. */
final class ScalarPlan {
  private ScalarPlan() {}

  static Kernel sample(SamplePlan op) {
    Elements logits = new Elements(op.logits());
    Elements indices = new Elements(op.indices());
    @Nullable Draws draws = op.rng() == null ? null : new Draws(op.rng(), op.salt());
    int[] words = new int[Draws.BLOCK];
    int rows = logits.rows();
    int bits = logits.columns();
    return () -> {
      if (draws != null) {
        draws.refresh();
      }
      for (int n = 0; n < rows; n++) {
        int index = 0;
        for (int h = 0; h < bits; h++) {
          long i = (long) n * bits + h;
          double logit = logits.get(i);
          boolean one =
              draws == null
                  ? logit > 0 // σ(logit) > ½, without σ's rounding
                  : draws.uniform(i, words) < UnaryFunction.SIGMOID.value(logit);
          if (one) {
            index |= 1 << h;
          }
        }
        indices.set(n, index);
      }
    };
  }

  static Kernel bits(PlanBits op) {
    Elements indices = new Elements(op.indices());
    Result out = new Result(op.out());
    int bits = op.out().buffer().dim(-1);
    return () -> {
      for (long n = 0; n < indices.size(); n++) {
        int index = indices.getInt(n);
        for (int h = 0; h < bits; h++) {
          out.put(n * bits + h, (index >> h & 1) == 1 ? 1 : -1);
        }
      }
    };
  }
}

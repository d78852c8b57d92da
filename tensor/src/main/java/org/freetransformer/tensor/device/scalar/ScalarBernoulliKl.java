package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.Instruction.BernoulliKl;
import org.freetransformer.tensor.device.Instruction.BernoulliKlBackward;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.UnaryFunction;

/** How far each row's bits are from fair coins, in nats. */
final class ScalarBernoulliKl {
  private static final double LN_2 = Math.log(2);

  private ScalarBernoulliKl() {}

  /** {@code ln 2 + p·ln p + (1−p)·ln(1−p)}, with {@code ln σ(l) = −softplus(−l)}: never 0·∞. */
  private static double divergence(double logit) {
    double one = UnaryFunction.SIGMOID.value(logit);
    double zero = UnaryFunction.SIGMOID.value(-logit);
    return LN_2
        - one * UnaryFunction.SOFTPLUS.value(-logit)
        - zero * UnaryFunction.SOFTPLUS.value(logit);
  }

  static Kernel forward(BernoulliKl op) {
    Elements logits = new Elements(op.logits());
    Result kl = new Result(op.kl());
    int rows = logits.rows();
    int bits = logits.columns();
    return () -> {
      for (int n = 0; n < rows; n++) {
        double sum = 0;
        for (int h = 0; h < bits; h++) {
          sum += divergence(logits.get((long) n * bits + h));
        }
        kl.put(n, sum);
      }
    };
  }

  static Kernel backward(BernoulliKlBackward op) {
    Elements logits = new Elements(op.logits());
    Elements dkl = new Elements(op.dkl());
    Result dlogits = new Result(op.dlogits());
    int bits = logits.columns();
    return () -> {
      for (long i = 0; i < dlogits.size(); i++) {
        double logit = logits.get(i);
        dlogits.put(i, logit * UnaryFunction.SIGMOID.derivative(logit) * dkl.get(i / bits));
      }
    };
  }
}

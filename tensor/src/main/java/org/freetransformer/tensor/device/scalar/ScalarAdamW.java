package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.Instruction.AdamW;
import org.freetransformer.tensor.device.Kernel;

/** AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2. */
final class ScalarAdamW {
  private ScalarAdamW() {}

  static Kernel of(AdamW op) {
    Elements parameter = new Elements(op.parameter());
    Elements gradient = new Elements(op.gradient());
    Elements firstMoment = new Elements(op.firstMoment());
    Elements secondMoment = new Elements(op.secondMoment());
    Elements schedule = new Elements(op.schedule());
    Elements gradientScale = new Elements(op.gradientScale());
    double beta1 = op.beta1();
    double beta2 = op.beta2();
    double epsilon = op.epsilon();
    double weightDecay = op.weightDecay();
    return () -> {
      double learningRate = schedule.get(0);
      double correction1 = schedule.get(1);
      double correction2 = schedule.get(2);
      double scale = gradientScale.get(0);
      for (long i = 0; i < parameter.size(); i++) {
        double g = scale * gradient.get(i);
        double m = beta1 * firstMoment.get(i) + (1 - beta1) * g;
        double v = beta2 * secondMoment.get(i) + (1 - beta2) * g * g;
        double p = parameter.get(i);
        double step = m / correction1 / (Math.sqrt(v / correction2) + epsilon);
        firstMoment.set(i, m);
        secondMoment.set(i, v);
        parameter.set(i, p - learningRate * (step + weightDecay * p));
        gradient.set(i, 0);
      }
    };
  }
}

package org.freetransformer.tensor.device.scalar;

import java.util.Arrays;
import org.freetransformer.tensor.device.Indices;
import org.freetransformer.tensor.device.Instruction.BinaryMapperBackward;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.UnaryFunction;

/**
 * The binary mapper's gradient: a sum over plans d of (what the loss would gain from d) times (d's
 * probability) times (how that probability moves with logit h).
 */
final class ScalarBinaryMapper {
  private final Elements logits;
  private final Elements indices;
  private final Elements dr;
  private final Elements table;
  private final Result dlogits;
  private final boolean full;
  private final int rows;
  private final int bits;
  private final int plans;
  private final int columns;
  private final double[] one;
  private final double[] zero;
  private final double[] sums;
  private final double[] gradient;
  private final double[] plan;

  private ScalarBinaryMapper(BinaryMapperBackward op) {
    this.logits = new Elements(op.logits());
    this.indices = new Elements(op.indices());
    this.dr = new Elements(op.dr());
    this.table = new Elements(op.table());
    this.dlogits = new Result(op.dlogits());
    this.full = op.full();
    this.rows = logits.rows();
    this.bits = logits.columns();
    this.plans = 1 << bits;
    this.columns = table.columns();
    this.one = new double[bits];
    this.zero = new double[bits];
    this.sums = new double[bits];
    this.gradient = new double[columns];
    this.plan = new double[columns];
  }

  static Kernel backward(BinaryMapperBackward op) {
    return new ScalarBinaryMapper(op)::run;
  }

  private void run() {
    for (int n = 0; n < rows; n++) {
      for (int h = 0; h < bits; h++) {
        double logit = logits.get((long) n * bits + h);
        one[h] = UnaryFunction.SIGMOID.value(logit);
        zero[h] = UnaryFunction.SIGMOID.value(-logit);
      }
      dr.load((long) n * columns, gradient, columns);
      Arrays.fill(sums, 0);
      if (full) {
        for (int d = 0; d < plans; d++) {
          addPlan(d);
        }
      } else {
        addPlan(Indices.plan(indices.getInt(n), n, plans));
      }
      dlogits.putRow((long) n * bits, sums, bits);
    }
  }

  private void addPlan(int d) {
    table.load((long) d * columns, plan, columns);
    double gain = ScalarAttention.dot(gradient, plan);
    double probability = 1;
    for (int h = 0; h < bits; h++) {
      probability *= bit(d, h) ? one[h] : zero[h];
    }
    for (int h = 0; h < bits; h++) {
      // b − p, with 1 − p taken from σ(−logit) so that nothing cancels.
      sums[h] += gain * probability * (bit(d, h) ? zero[h] : -one[h]);
    }
  }

  private static boolean bit(int d, int h) {
    return (d >> h & 1) == 1;
  }
}

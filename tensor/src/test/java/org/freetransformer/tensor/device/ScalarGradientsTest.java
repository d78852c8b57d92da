package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.function.DoubleSupplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The scalar device's backward instructions against differences of its forward ones, in f64. */
class ScalarGradientsTest {
  private static final double STEP = 1e-5;

  private final Device device = new ScalarDevice();
  private final Operands o = new Operands(device, 7);

  @AfterEach
  void close() {
    o.close();
    device.close();
  }

  @ParameterizedTest
  @EnumSource
  void unaryFunctions(UnaryFunction function) {
    // Away from the kinks of |x| and max(0, x), and where ln and √ are defined.
    double[] values = o.uniform(9, 0.1, 3);
    boolean positive =
        function == UnaryFunction.LOG
            || function == UnaryFunction.SQRT
            || function == UnaryFunction.RECIPROCAL;
    for (int i = 0; i < values.length && !positive; i += 2) {
      values[i] = -values[i];
    }
    Buffer x = o.of(DType.F64, o.contiguous(9), values);
    Buffer y = blank(9);
    Buffer dy = normal(9);
    Buffer dx = blank(9);
    run(new Instruction.UnaryBackward(function, x, dy, Output.to(dx)));
    Kernel forward = device.prepare(new Instruction.Unary(function, x, Output.to(y)));
    check(x, dx, loss(forward, y, dy));
  }

  @Test
  void swiGlu() {
    Buffer gate = normal(3, 5);
    Buffer up = normal(3, 5);
    Buffer y = blank(3, 5);
    Buffer dy = normal(3, 5);
    Buffer dgate = blank(3, 5);
    Buffer dup = blank(3, 5);
    run(new Instruction.SwiGluBackward(gate, up, dy, Output.to(dgate), Output.to(dup)));
    DoubleSupplier loss =
        loss(device.prepare(new Instruction.SwiGlu(gate, up, Output.to(y))), y, dy);
    check(gate, dgate, loss);
    check(up, dup, loss);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void softmax(boolean logarithm) {
    Buffer x = normal(4, 6);
    Buffer y = blank(4, 6);
    Buffer dy = normal(4, 6);
    Buffer dx = blank(4, 6);
    Kernel forward = device.prepare(new Instruction.Softmax(x, logarithm, Output.to(y)));
    forward.run();
    run(new Instruction.SoftmaxBackward(y, dy, logarithm, Output.to(dx)));
    check(x, dx, loss(forward, y, dy));
  }

  @Test
  void rmsNorm() {
    Buffer x = normal(3, 7);
    Buffer weight = normal(7);
    Buffer rstd = blank(3);
    Buffer y = blank(3, 7);
    Buffer dy = normal(3, 7);
    Buffer dx = blank(3, 7);
    Buffer dweight = blank(7);
    Kernel forward = device.prepare(new Instruction.RmsNorm(x, weight, 0.01, Output.to(y), rstd));
    forward.run();
    run(new Instruction.RmsNormBackward(x, weight, rstd, dy, Output.to(dx), Output.to(dweight)));
    DoubleSupplier loss = loss(forward, y, dy);
    check(x, dx, loss);
    check(weight, dweight, loss);
  }

  @Test
  void rope() {
    Buffer x = normal(2, 3, 2, 6);
    Buffer positions = o.of(DType.I32, o.contiguous(2, 3), o.integers(6, 0, 4));
    double[] angles = new double[5 * 6];
    for (int p = 0; p < 5; p++) {
      for (int d = 0; d < 3; d++) {
        angles[p * 6 + d] = Math.cos(p / (d + 1.0));
        angles[p * 6 + 3 + d] = Math.sin(p / (d + 1.0));
      }
    }
    Buffer table = o.of(DType.F64, o.contiguous(5, 6), angles);
    Buffer y = blank(2, 3, 2, 6);
    Buffer dy = normal(2, 3, 2, 6);
    Buffer dx = blank(2, 3, 2, 6);
    run(new Instruction.Rope(dy, positions, table, true, Output.to(dx)));
    Kernel forward = device.prepare(new Instruction.Rope(x, positions, table, false, Output.to(y)));
    check(x, dx, loss(forward, y, dy));
  }

  @Test
  void crossEntropyWithIgnoredTargets() {
    Buffer logits = normal(4, 6);
    Buffer targets = o.of(DType.I32, o.contiguous(4), new double[] {2, -100, 0, 5});
    Buffer losses = blank(4);
    Buffer lse = blank(4);
    Buffer dlosses = normal(4);
    Buffer dlogits = blank(4, 6);
    Kernel forward =
        device.prepare(new Instruction.CrossEntropy(logits, targets, -100, losses, lse));
    forward.run();
    run(
        new Instruction.CrossEntropyBackward(
            logits, targets, -100, lse, dlosses, Output.to(dlogits)));
    check(logits, dlogits, loss(forward, losses, dlosses));
  }

  @ParameterizedTest
  @CsvSource({
    "false, false, 0",
    "true, false, 0",
    "false, true, 0",
    "true, true, 0",
    "true, true, 0.4"
  })
  void attention(boolean causal, boolean lengths, double dropout) {
    @Nullable Buffer keyLengths =
        lengths ? o.of(DType.I32, o.contiguous(2), new double[] {5, 2}) : null;
    AttentionRule rule = new AttentionRule(0.6, causal, keyLengths, dropout, o.rng(), 3);
    Buffer q = normal(2, 3, 4, 2);
    Buffer k = normal(2, 5, 2, 2);
    Buffer v = normal(2, 5, 2, 2);
    Buffer out = blank(2, 3, 4, 2);
    Buffer lse = blank(2, 4, 3);
    Buffer dout = normal(2, 3, 4, 2);
    Buffer dq = blank(2, 3, 4, 2);
    Buffer dk = blank(2, 5, 2, 2);
    Buffer dv = blank(2, 5, 2, 2);
    Kernel forward = device.prepare(new Instruction.Attention(q, k, v, rule, out, lse));
    forward.run();
    run(
        new Instruction.AttentionBackward(
            q, k, v, rule, out, lse, dout, Output.to(dq), Output.to(dk), Output.to(dv)));
    DoubleSupplier loss = loss(forward, out, dout);
    check(q, dq, loss);
    check(k, dk, loss);
    check(v, dv, loss);
  }

  @Test
  void bernoulliKl() {
    Buffer logits = normal(3, 5);
    Buffer kl = blank(3);
    Buffer dkl = normal(3);
    Buffer dlogits = blank(3, 5);
    run(new Instruction.BernoulliKlBackward(logits, dkl, Output.to(dlogits)));
    Kernel forward = device.prepare(new Instruction.BernoulliKl(logits, Output.to(kl)));
    check(logits, dlogits, loss(forward, kl, dkl));
  }

  /** The gradient of Σ_n Σ_d G_d(logits_n)·⟨dr_n, table_d⟩, by enumeration of all 2^H plans. */
  @Test
  void binaryMapperOverAllPlans() {
    int bits = 4;
    Buffer logits = normal(3, bits);
    Buffer indices = o.of(DType.I32, o.contiguous(3), o.integers(3, 0, 15));
    Buffer dr = normal(3, 5);
    Buffer table = normal(1 << bits, 5);
    Buffer dlogits = blank(3, bits);
    run(new Instruction.BinaryMapperBackward(logits, indices, dr, table, true, Output.to(dlogits)));
    check(
        logits,
        dlogits,
        () -> {
          double sum = 0;
          for (int n = 0; n < 3; n++) {
            for (int d = 0; d < 1 << bits; d++) {
              sum += planLoss(logits, dr, table, n, d);
            }
          }
          return sum;
        });
  }

  /** The same sum over the sampled plan alone. */
  @Test
  void binaryMapperOverTheSampledPlan() {
    Buffer logits = normal(3, 4);
    Buffer indices = o.of(DType.I32, o.contiguous(3), new double[] {0, 9, 15});
    Buffer dr = normal(3, 5);
    Buffer table = normal(16, 5);
    Buffer dlogits = blank(3, 4);
    run(
        new Instruction.BinaryMapperBackward(
            logits, indices, dr, table, false, Output.to(dlogits)));
    check(
        logits,
        dlogits,
        () ->
            planLoss(logits, dr, table, 0, 0)
                + planLoss(logits, dr, table, 1, 9)
                + planLoss(logits, dr, table, 2, 15));
  }

  private double planLoss(Buffer logits, Buffer dr, Buffer table, int n, int d) {
    int bits = logits.dim(1);
    int columns = dr.dim(1);
    double probability = 1;
    for (int h = 0; h < bits; h++) {
      double p = 1 / (1 + Math.exp(-o.values(logits)[n * bits + h]));
      probability *= (d >> h) % 2 == 1 ? p : 1 - p;
    }
    double gain = 0;
    for (int i = 0; i < columns; i++) {
      gain += o.values(dr)[n * columns + i] * o.values(table)[d * columns + i];
    }
    return probability * gain;
  }

  private Buffer normal(int... dims) {
    return o.of(DType.F64, o.contiguous(dims));
  }

  private Buffer blank(int... dims) {
    return o.blank(DType.F64, o.contiguous(dims));
  }

  private void run(Instruction instruction) {
    device.prepare(instruction).run();
  }

  /** Σ y·dy, where y is what {@code forward} computes now. */
  private DoubleSupplier loss(Kernel forward, Buffer y, Buffer dy) {
    return () -> {
      forward.run();
      double[] values = o.values(y);
      double[] weights = o.values(dy);
      double sum = 0;
      for (int i = 0; i < values.length; i++) {
        sum += values[i] * weights[i];
      }
      return sum;
    };
  }

  /** Compares a gradient with central differences of the loss, element by element. */
  private void check(Buffer x, Buffer gradient, DoubleSupplier loss) {
    double[] values = o.values(x);
    double[] analytic = o.values(gradient);
    for (int i = 0; i < values.length; i++) {
      o.set(x, i, values[i] + STEP);
      double above = loss.getAsDouble();
      o.set(x, i, values[i] - STEP);
      double below = loss.getAsDouble();
      o.set(x, i, values[i]);
      assertThat(analytic[i])
          .as("gradient of element %d", i)
          .isCloseTo((above - below) / (2 * STEP), within(1e-8 * (1 + Math.abs(analytic[i]))));
    }
  }
}

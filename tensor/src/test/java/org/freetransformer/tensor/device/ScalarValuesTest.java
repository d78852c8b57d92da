package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.freetransformer.tensor.device.Instruction.Random.Distribution;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the scalar device computes, against values worked out here or by hand. */
class ScalarValuesTest {
  private static final Offset<Double> CLOSE = within(1e-12);

  private final Device device = new ScalarDevice();
  private final Operands o = new Operands(device, 11);

  @AfterEach
  void close() {
    o.close();
    device.close();
  }

  @Test
  void copyConvertsToNearestEven() {
    double[] values = {1, 0x1.01p0, 0x1.03p0, 3.7, 300.25};
    assertThat(copied(values, DType.F32, DType.BF16))
        .containsExactly(1, 1, 0x1.04p0, 3.703125, 300);
    assertThat(copied(new double[] {0x1.002p0, 0x1.006p0, 65504}, DType.F32, DType.F16))
        .containsExactly(1, 0x1.008p0, 65504);
    assertThat(copied(new double[] {2.9, -2.9, 1e6}, DType.F32, DType.I32))
        .containsExactly(2, -2, 1e6);
    assertThat(copied(new double[] {0, 7, 255}, DType.I32, DType.U8)).containsExactly(0, 7, 255);
    assertThat(copied(new double[] {0.1}, DType.F64, DType.F32)).containsExactly(0.1f);
  }

  private double[] copied(double[] values, DType from, DType to) {
    Buffer in = o.of(from, o.contiguous(values.length), values);
    Buffer out = o.blank(to, o.contiguous(values.length));
    run(new Instruction.Copy(in, Output.to(out)));
    return o.values(out);
  }

  @Test
  void copyOfATransposedView() {
    Buffer in = of(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
    Buffer out = blank(3, 2);
    run(new Instruction.Copy(in.with(in.layout().transpose(0, 1)), Output.to(out)));
    assertThat(o.values(out)).containsExactly(1, 4, 2, 5, 3, 6);
    run(new Instruction.Copy(in.with(in.layout().transpose(0, 1)), Output.addTo(out)));
    assertThat(o.values(out)).containsExactly(2, 8, 4, 10, 6, 12);
  }

  @Test
  void reduceOverAnyAxes() {
    Buffer in = of(new double[] {1, -2, 3, 4, 5, -6}, 2, 3);
    assertThat(reduced(ReduceFunction.SUM, in, 2, 1)).containsExactly(2, 3);
    assertThat(reduced(ReduceFunction.SUM, in, 1, 3)).containsExactly(5, 3, -3);
    assertThat(reduced(ReduceFunction.MAX, in, 1, 3)).containsExactly(4, 5, 3);
    assertThat(reduced(ReduceFunction.SUM_OF_SQUARES, in, 1, 1)).containsExactly(91);
    Buffer none = of(new double[0], 0, 2);
    assertThat(reduced(ReduceFunction.SUM, none, 1, 2)).containsExactly(0, 0);
    assertThat(reduced(ReduceFunction.MAX, none, 1, 2))
        .containsExactly(Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY);
  }

  private double[] reduced(ReduceFunction function, Buffer in, int... dims) {
    Buffer out = blank(dims);
    run(new Instruction.Reduce(function, in, Output.to(out)));
    return o.values(out);
  }

  @Test
  void matMulOfBatchesWithOneSharedMatrix() {
    int batch = 3;
    int m = 5;
    int k = 7;
    int n = 70;
    Buffer a = normal(batch, m, k);
    Buffer b = normal(n, k);
    Buffer out = normal(batch, m, n);
    double[] expected = o.values(out);
    double[] av = o.values(a);
    double[] bv = o.values(b);
    for (int i = 0; i < batch * m; i++) {
      for (int j = 0; j < n; j++) {
        for (int l = 0; l < k; l++) {
          expected[i * n + j] += 0.5 * av[i * k + l] * bv[j * k + l];
        }
      }
    }
    Buffer transposed = b.with(b.layout().transpose(0, 1).broadcastTo(Shape.of(batch, k, n)));
    run(new Instruction.MatMul(a, transposed, 0.5, Output.addTo(out)));
    assertThat(o.values(out)).containsExactly(expected, CLOSE);
  }

  @Test
  void rowsOfATable() {
    Buffer table = of(new double[] {1, 2, 3, 4, 5, 6}, 3, 2);
    Buffer indices = integers(2, -1, 0, 2, 3);
    Buffer out = blank(5, 2);
    run(new Instruction.Gather(table, indices, Output.to(out)));
    assertThat(o.values(out)).containsExactly(5, 6, 0, 0, 1, 2, 5, 6, 0, 0);
    Buffer source = of(new double[] {1, 1, 9, 9, 2, 2, 3, 3, 9, 9}, 5, 2);
    run(new Instruction.ScatterAdd(source, indices, table));
    assertThat(o.values(table)).containsExactly(3, 4, 3, 4, 9, 10);
    run(new Instruction.ScatterRows(of(new double[] {7, 8}, 1, 2), integers(1), table));
    assertThat(o.values(table)).containsExactly(3, 4, 7, 8, 9, 10);
  }

  @Test
  void softmaxOfLargeLogits() {
    Buffer x = of(new double[] {1000, 1000, -1000, 0, Math.log(3), -1e300}, 2, 3);
    Buffer y = blank(2, 3);
    run(new Instruction.Softmax(x, false, Output.to(y)));
    assertThat(o.values(y)).containsExactly(new double[] {0.5, 0.5, 0, 0.25, 0.75, 0}, CLOSE);
  }

  @Test
  void rmsNorm() {
    Buffer out = blank(1, 2);
    Buffer rstd = blank(1);
    Buffer x = of(new double[] {3, 4}, 1, 2);
    run(new Instruction.RmsNorm(x, of(new double[] {1, 2}, 2), 0.5, Output.to(out), rstd));
    double expected = 1 / Math.sqrt(12.5 + 0.5);
    assertThat(o.values(rstd)).containsExactly(new double[] {expected}, CLOSE);
    assertThat(o.values(out)).containsExactly(new double[] {3 * expected, 8 * expected}, CLOSE);
  }

  @Test
  void ropeTurnsAQuarter() {
    // Position 1: the first pair stays, the second is turned by 90 degrees.
    Buffer table = of(new double[] {1, 1, 0, 0, 1, 0, 0, 1}, 2, 4);
    Buffer x = of(new double[] {1, 2, 3, 4}, 1, 1, 1, 4);
    Buffer out = blank(1, 1, 1, 4);
    Buffer position = o.of(DType.I32, o.contiguous(1, 1), new double[] {1});
    run(new Instruction.Rope(x, position, table, false, Output.to(out)));
    assertThat(o.values(out)).containsExactly(1, -4, 3, 2);
  }

  /** Scores, mask and softmax written out as a matrix, a query head at a time. */
  @Test
  void causalAttentionOfUnequalLengthsAndGroupedHeads() {
    int queries = 3;
    int keys = 5;
    int size = 2;
    int[] lengths = {5, 2};
    Buffer q = normal(2, queries, 4, size);
    Buffer k = normal(2, keys, 2, size);
    Buffer v = normal(2, keys, 2, size);
    Buffer out = blank(2, queries, 4, size);
    Buffer lse = blank(2, 4, queries);
    AttentionRule rule = new AttentionRule(0.7, true, integers(lengths), 0, null, 0);
    run(new Instruction.Attention(q, k, v, rule, out, lse));
    double[] qv = o.values(q);
    double[] kv = o.values(k);
    double[] vv = o.values(v);
    for (int b = 0; b < 2; b++) {
      for (int h = 0; h < 4; h++) {
        for (int t = 0; t < queries; t++) {
          double total = 0;
          double[] sums = new double[size];
          for (int s = 0; s < lengths[b]; s++) {
            int query = ((b * queries + t) * 4 + h) * size;
            int key = ((b * keys + s) * 2 + h / 2) * size;
            double score = 0.7 * (qv[query] * kv[key] + qv[query + 1] * kv[key + 1]);
            double weight = s <= t + lengths[b] - queries ? Math.exp(score) : 0;
            total += weight;
            sums[0] += weight * vv[key];
            sums[1] += weight * vv[key + 1];
          }
          int at = ((b * queries + t) * 4 + h) * size;
          assertThat(o.values(lse)[(b * 4 + h) * queries + t]).isCloseTo(Math.log(total), CLOSE);
          assertThat(o.values(out)[at]).isCloseTo(total == 0 ? 0 : sums[0] / total, CLOSE);
          assertThat(o.values(out)[at + 1]).isCloseTo(total == 0 ? 0 : sums[1] / total, CLOSE);
        }
      }
    }
    // The second row has 2 keys for 3 queries: its first query sees none of them.
    assertThat(o.values(lse)[12]).isEqualTo(Double.NEGATIVE_INFINITY);
  }

  @Test
  void attentionDropoutKeepsTheMean() {
    int keys = 4000;
    Buffer q = of(new double[2], 1, 1, 1, 2);
    Buffer k = normal(1, keys, 1, 2);
    Buffer v = of(filled(2 * keys, 1), 1, keys, 1, 2);
    Buffer out = blank(1, 1, 1, 2);
    Buffer lse = blank(1, 1, 1);
    AttentionRule rule = new AttentionRule(1, false, null, 0.25, o.rng(), 5);
    run(new Instruction.Attention(q, k, v, rule, out, lse));
    assertThat(o.values(lse)[0]).isCloseTo(Math.log(keys), CLOSE);
    assertThat(o.values(out)[0]).isCloseTo(1, within(0.05)).isNotCloseTo(1, within(1e-6));
    // A sum of kept weights: a multiple of 1/(keys·(1 − rate)).
    double kept = o.values(out)[0] * keys * 0.75;
    assertThat(kept).isCloseTo(Math.rint(kept), within(1e-6));
  }

  @Test
  void crossEntropy() {
    Buffer logits = of(new double[] {0, Math.log(3), 100, -100, 5, 5}, 3, 2);
    Buffer losses = blank(3);
    Buffer lse = blank(3);
    run(new Instruction.CrossEntropy(logits, integers(1, 1, -7), -7, losses, lse));
    assertThat(o.values(losses)).containsExactly(new double[] {-Math.log(0.75), 200, 0}, CLOSE);
    assertThat(o.values(lse))
        .containsExactly(new double[] {Math.log(4), 100, 5 + Math.log(2)}, CLOSE);
  }

  @Test
  void bernoulliKlIsFiniteAtAnyLogit() {
    double half = 0.75 * Math.log(1.5) + 0.25 * Math.log(0.5);
    Buffer logits = of(new double[] {0, 0, 100, -100, Math.log(3), 1e30}, 3, 2);
    Buffer kl = blank(3);
    run(new Instruction.BernoulliKl(logits, Output.to(kl)));
    assertThat(o.values(kl))
        .containsExactly(new double[] {0, 2 * Math.log(2), half + Math.log(2)}, CLOSE);
  }

  @Test
  void plansAreSampledBitByBit() {
    int rows = 4000;
    double[] logits = new double[3 * rows];
    Arrays.setAll(logits, i -> i % 3 == 0 ? 100 : i % 3 == 1 ? -100 : Math.log(3));
    Buffer indices = o.blank(DType.I32, o.contiguous(rows));
    run(new Instruction.SamplePlan(of(logits, rows, 3), o.rng(), 1, indices));
    assertThat(o.values(indices)).containsOnly(1, 5);
    double share = Arrays.stream(o.values(indices)).filter(z -> z == 5).count() / (double) rows;
    assertThat(share).isCloseTo(0.75, within(0.03));
    Buffer likely = o.blank(DType.I32, o.contiguous(2));
    run(new Instruction.SamplePlan(of(new double[] {1, -1, 0, 2}, 2, 2), null, 1, likely));
    assertThat(o.values(likely)).containsExactly(1, 2);
    Buffer bits = blank(2, 2);
    run(new Instruction.PlanBits(likely, Output.to(bits)));
    assertThat(o.values(bits)).containsExactly(1, -1, -1, 1);
  }

  @Test
  void randomNumbersMoveWithTheStepOnly() {
    Buffer rng = integers(1, 2, 3, 4);
    double[] first = uniform(rng, 9);
    assertThat(uniform(rng, 9)).containsExactly(first);
    assertThat(uniform(rng, 10)).isNotEqualTo(first);
    o.set(rng, 2, 4);
    assertThat(uniform(rng, 9)).isNotEqualTo(first);
    assertThat(Arrays.stream(first)).allMatch(u -> u >= -1 && u < 3);
    assertThat(mean(first)).isCloseTo(1, within(0.05));
  }

  private double[] uniform(Buffer rng, int salt) {
    Buffer out = blank(10_000);
    run(new Instruction.Random(Distribution.UNIFORM, -1, 3, rng, salt, out));
    return o.values(out);
  }

  @Test
  void normalNumbers() {
    Buffer out = blank(20_001);
    run(new Instruction.Random(Distribution.NORMAL, 2, 3, o.rng(), 1, out));
    double[] values = o.values(out);
    double mean = mean(values);
    double[] powers = new double[5];
    for (double value : values) {
      for (int power = 2; power < 5; power++) {
        powers[power] += Math.pow((value - mean) / 3, power) / values.length;
      }
    }
    assertThat(mean).isCloseTo(2, within(0.1));
    assertThat(powers[2]).isCloseTo(1, within(0.05));
    assertThat(powers[3]).isCloseTo(0, within(0.1));
    assertThat(powers[4]).isCloseTo(3, within(0.3));
  }

  @Test
  void dropoutKeepsTheMean() {
    Buffer in = of(filled(10_000, 3), 10_000);
    Buffer out = blank(10_000);
    run(new Instruction.Dropout(in, 0.25, o.rng(), 2, Output.to(out)));
    assertThat(o.values(out)).containsOnly(0, 4);
    assertThat(mean(o.values(out))).isCloseTo(3, within(0.1));
  }

  @Test
  void adamWTakesTwoSteps() {
    Buffer parameter = of(new double[] {1}, 1);
    Buffer gradient = of(new double[] {4}, 1);
    Buffer m = of(new double[] {0}, 1);
    Buffer v = of(new double[] {0}, 1);
    Buffer schedule = of(new double[] {0.1, 0.1, 0.05}, 3);
    Instruction.AdamW update =
        new Instruction.AdamW(
            parameter, gradient, m, v, schedule, of(new double[] {0.5}, 1), 0.9, 0.95, 0, 0.01);
    run(update);
    // At the first step m/c1 = g and √(v/c2) = |g|: the step is the learning rate.
    assertThat(o.values(parameter)[0]).isCloseTo(1 - 0.1 * (1 + 0.01), CLOSE);
    assertThat(o.values(m)[0]).isCloseTo(0.2, CLOSE);
    assertThat(o.values(v)[0]).isCloseTo(0.2, CLOSE);
    assertThat(o.values(gradient)).containsExactly(0);
    o.set(gradient, 0, -2);
    o.set(schedule, 1, 1 - 0.81);
    o.set(schedule, 2, 1 - 0.9025);
    run(update);
    double mean = 0.9 * 0.2 - 0.1;
    double square = 0.95 * 0.2 + 0.05;
    double step = mean / 0.19 / Math.sqrt(square / 0.0975);
    assertThat(o.values(parameter)[0]).isCloseTo(0.899 - 0.1 * (step + 0.01 * 0.899), CLOSE);
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  private static double[] filled(int count, double value) {
    double[] values = new double[count];
    Arrays.fill(values, value);
    return values;
  }

  private Buffer of(double[] values, int... dims) {
    return o.of(DType.F64, o.contiguous(dims), values);
  }

  private Buffer integers(int... values) {
    return o.of(
        DType.I32, o.contiguous(values.length), Arrays.stream(values).asDoubleStream().toArray());
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
}

package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.IntStream;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;

/**
 * The mapper's value is a draw, so that its gradient is not that of its value: it is compared with
 * the expectation over all plans, written out here from the paper's equation alone.
 */
class BinaryMapperGradientTest extends GradientTestBase {
  private static final int WIDTH = 3;

  /** G_d of the paper: the probability of plan d, bit by bit. */
  private static double probability(int plan, double[] logits, int first, int bits) {
    double product = 1;
    for (int h = 0; h < bits; h++) {
      double p = 1 / (1 + Math.exp(-logits[first + h]));
      product *= (plan >> h & 1) == 1 ? p : 1 - p;
    }
    return product;
  }

  /** {@code Σ_n Σ_d G_d(logits_n)·⟨dr_n, table_d⟩}, whose gradient the mapper must give. */
  private static double expectation(double[] logits, int bits, double[] dr, double[] table) {
    double sum = 0;
    for (int n = 0; n < logits.length / bits; n++) {
      for (int d = 0; d < 1 << bits; d++) {
        double gain = 0;
        for (int i = 0; i < WIDTH; i++) {
          gain += dr[n * WIDTH + i] * table[d * WIDTH + i];
        }
        sum += gain * probability(d, logits, n * bits, bits);
      }
    }
    return sum;
  }

  private static double[] differences(double[] logits, int bits, double[] dr, double[] table) {
    double[] gradient = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      double[] moved = logits.clone();
      moved[i] = logits[i] + 1e-5;
      double above = expectation(moved, bits, dr, table);
      moved[i] = logits[i] - 1e-5;
      gradient[i] = (above - expectation(moved, bits, dr, table)) / 2e-5;
    }
    return gradient;
  }

  @Test
  @GradientOf("BinaryMapperOp.lookUp(Tensor,Tensor,Tensor,boolean)")
  void theFullGradientIsThatOfTheExpectationOverAllPlans() {
    for (int bits = 1; bits <= 8; bits++) {
      Tensor logits = leaf(2, 2, bits);
      Tensor table = leaf(1 << bits, WIDTH);
      Tensor plans = BinaryMapperOp.sample(logits, false);
      double[] dr = random.doubles(4 * WIDTH, -1, 1).toArray();
      Tensor r = BinaryMapperOp.lookUp(logits, plans, table, true);
      r.backward(engine.tensor(dr, 2, 2, WIDTH));
      double[] expected = differences(logits.toDoubles(), bits, dr, table.toDoubles());
      assertThat(gradient(logits)).containsExactly(expected, within(1e-8));
    }
  }

  @Test
  void sixteenBitsFollowThePaperToo() {
    int bits = 16;
    int plans = 1 << bits;
    Tensor logits = permuted(Shape.of(3, bits));
    Tensor table = constant(Shape.of(plans, WIDTH));
    double[] dr = random.doubles(3 * WIDTH, -1, 1).toArray();
    BinaryMapperOp.lookUp(logits, BinaryMapperOp.sample(logits, false), table, true)
        .backward(engine.tensor(dr, 3, WIDTH));
    double[] values = logits.toDoubles();
    double[] rows = table.toDoubles();
    double[] expected = new double[values.length];
    for (int n = 0; n < 3; n++) {
      for (int d = 0; d < plans; d++) {
        double gain = 0;
        for (int i = 0; i < WIDTH; i++) {
          gain += dr[n * WIDTH + i] * rows[d * WIDTH + i];
        }
        double weight = gain * probability(d, values, n * bits, bits);
        for (int h = 0; h < bits; h++) {
          double p = 1 / (1 + Math.exp(-values[n * bits + h]));
          expected[n * bits + h] += weight * ((d >> h & 1) - p);
        }
      }
    }
    assertThat(gradient(logits)).containsExactly(expected, within(1e-12));
  }

  @Test
  void theSampledGradientIsTheTermOfThePlanThatWasDrawn() {
    int bits = 5;
    Tensor logits = leaf(6, bits);
    Tensor table = leaf(1 << bits, WIDTH);
    Tensor plans = BinaryMapperOp.sample(logits, false);
    double[] dr = random.doubles(6 * WIDTH, -1, 1).toArray();
    BinaryMapperOp.lookUp(logits, plans, table, false).backward(engine.tensor(dr, 6, WIDTH));
    double[] values = logits.toDoubles();
    int[] drawn = plans.toInts();
    double[] rows = table.toDoubles();
    double[] expected = new double[values.length];
    for (int n = 0; n < 6; n++) {
      double gain = 0;
      for (int i = 0; i < WIDTH; i++) {
        gain += dr[n * WIDTH + i] * rows[drawn[n] * WIDTH + i];
      }
      for (int h = 0; h < bits; h++) {
        double p = 1 / (1 + Math.exp(-values[n * bits + h]));
        double weight = gain * probability(drawn[n], values, n * bits, bits);
        expected[n * bits + h] = weight * ((drawn[n] >> h & 1) - p);
      }
    }
    assertThat(gradient(logits)).containsExactly(expected, within(1e-14));
  }

  @Test
  void theTableGetsTheGradientOfTheRowsThatWereDrawn() {
    Tensor logits = constant(Shape.of(7, 3));
    Tensor plans = BinaryMapperOp.sample(logits, false);
    for (Tensor table : new Tensor[] {leaf(8, WIDTH), permuted(Shape.of(8, WIDTH))}) {
      check(() -> BinaryMapperOp.lookUp(logits, plans, table, true).square(), table);
    }
  }

  @Test
  void gradientsOfSeveralUsesAddUp() {
    Tensor logits = leaf(4, 3);
    Tensor table = constant(Shape.of(8, WIDTH));
    Tensor plans = BinaryMapperOp.sample(logits, false);
    BinaryMapperOp.lookUp(logits, plans, table, true).sum().backward();
    double[] once = gradient(logits);
    Tensor twice = BinaryMapperOp.lookUp(logits, plans, table, true);
    twice.add(BinaryMapperOp.lookUp(logits, plans, table, true)).sum().backward();
    double[] thrice = gradient(logits);
    for (int i = 0; i < once.length; i++) {
      assertThat(thrice[i]).isCloseTo(3 * once[i], within(1e-12));
    }
  }

  @Test
  @GradientOf("BinaryMapperOp.bits(Tensor,Tensor)")
  void theBitsGiveTheGradientOfTheirExpectation() {
    int bits = 6;
    Tensor logits = leaf(2, 3, bits);
    Tensor plans = BinaryMapperOp.sample(logits, false);
    double[] dy = random.doubles(6L * bits, -1, 1).toArray();
    BinaryMapperOp.bits(logits, plans).backward(engine.tensor(dy, 2, 3, bits));
    double[] values = logits.toDoubles();
    double[] expected = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      // E[2b − 1] = 2p − 1 = tanh(logit / 2).
      double above = Math.tanh((values[i] + 1e-5) / 2);
      double below = Math.tanh((values[i] - 1e-5) / 2);
      expected[i] = dy[i] * (above - below) / 2e-5;
    }
    assertThat(gradient(logits)).containsExactly(expected, within(1e-9));
  }

  @Test
  void bitsThroughALinearLayerAreATableOfTheirSums() {
    int bits = 4;
    Tensor logits = leaf(5, bits);
    Tensor weight = constant(Shape.of(WIDTH, bits));
    Tensor plans = BinaryMapperOp.sample(logits, false);
    int[] all = IntStream.range(0, 1 << bits).toArray();
    Tensor every = BinaryMapperOp.bits(indices(all, all.length), bits, DType.F64);
    Tensor table = MatMulOp.linear(every, weight).detach();
    Tensor byTable = BinaryMapperOp.lookUp(logits, plans, table, true);
    Tensor byBits = MatMulOp.linear(BinaryMapperOp.bits(logits, plans), weight);
    assertThat(byBits.toDoubles()).containsExactly(byTable.toDoubles(), within(1e-14));
    project(byTable).backward();
    double[] expected = gradient(logits);
    logits.setGrad(null);
    project(byBits).backward();
    assertThat(gradient(logits)).containsExactly(expected, within(1e-12));
  }

  @Test
  void plansAreDrawnBitByBitWithTheirProbabilities() {
    double[] p = {0.1, 0.5, 0.8};
    int rows = 20_000;
    double[] values = new double[rows * p.length];
    for (int i = 0; i < values.length; i++) {
      double share = p[i % p.length];
      values[i] = Math.log(share / (1 - share));
    }
    int[] plans = BinaryMapperOp.sample(engine.tensor(values, rows, p.length), false).toInts();
    for (int h = 0; h < p.length; h++) {
      int ones = 0;
      for (int plan : plans) {
        ones += plan >> h & 1;
      }
      assertThat((double) ones / rows).isCloseTo(p[h], within(0.015));
    }
  }

  @Test
  void aThresholdTakesTheLikelierBit() {
    Tensor logits = engine.tensor(new double[] {-3, 1, 0.001, 5, -0.001, 2}, 2, 3);
    assertThat(BinaryMapperOp.sample(logits, true).toInts()).containsExactly(0b110, 0b101);
    assertThat(BinaryMapperOp.bits(logits, BinaryMapperOp.sample(logits, true)).toDoubles())
        .containsExactly(-1, 1, 1, 1, -1, 1);
  }

  @Test
  void extremeLogitsGiveFiniteGradients() {
    double[] values = new Random(1).doubles(8, -1, 1).map(x -> 100 * Math.signum(x)).toArray();
    Tensor logits = engine.tensor(values, 1, 8).requireGrad();
    Tensor table = constant(Shape.of(256, WIDTH));
    Tensor plans = BinaryMapperOp.sample(logits, false);
    BinaryMapperOp.lookUp(logits, plans, table, true).sum().backward();
    for (double gradient : gradient(logits)) {
      assertThat(gradient).isCloseTo(0, within(1e-40));
    }
  }

  @Test
  void wrongOperandsAreRefused() {
    Tensor logits = leaf(4, 3);
    Tensor plans = BinaryMapperOp.sample(logits, true);
    assertThatThrownBy(() -> BinaryMapperOp.lookUp(logits, plans, leaf(7, 2), true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2^H rows");
    assertThatThrownBy(
            () -> BinaryMapperOp.lookUp(logits, indices(new int[2], 2), leaf(8, 2), true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("need indices");
    try (Engine other = Engine.on(Devices.scalar())) {
      Tensor elsewhere = other.tensor(new int[4], 4);
      assertThatThrownBy(() -> BinaryMapperOp.lookUp(logits, elsewhere, leaf(8, 2), true))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("one engine");
      assertThatThrownBy(() -> BinaryMapperOp.bits(logits, elsewhere))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("one engine");
    }
    assertThatThrownBy(() -> BinaryMapperOp.sample(leaf(2, 21), true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 to 20");
    assertThatThrownBy(() -> BinaryMapperOp.bits(plans, 0, DType.F64))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 to 20");
  }
}

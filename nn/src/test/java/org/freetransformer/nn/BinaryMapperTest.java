package org.freetransformer.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.data.Offset;
import org.freetransformer.nn.BinaryMapper.Kind;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class BinaryMapperTest extends LayerTestBase {
  private static final int BITS = 3;
  private static final int PLANS = 1 << BITS;
  private static final int WIDTH = 4;
  private static final int POSITIONS = 5;

  private BinaryMapper mapper(Kind kind) {
    BinaryMapper mapper = new BinaryMapper(engine, kind, BITS, WIDTH);
    scramble(mapper);
    return mapper;
  }

  private static double bit(int plan, int h) {
    return (plan >> h) & 1;
  }

  /** Row of the plan in a mapper's weight, whatever its kind. */
  private static double[] vector(Kind kind, double[] weight, int plan) {
    double[] r = new double[WIDTH];
    for (int d = 0; d < WIDTH; d++) {
      if (kind == Kind.BITS) {
        for (int h = 0; h < BITS; h++) {
          r[d] += weight[d * BITS + h] * (2 * bit(plan, h) - 1);
        }
      } else {
        r[d] = weight[plan * WIDTH + d];
      }
    }
    return r;
  }

  @ParameterizedTest
  @EnumSource
  void startsAtZero(Kind kind) {
    BinaryMapper mapper = new BinaryMapper(engine, kind, BITS, WIDTH);
    Tensor plans = engine.tensor(new int[] {0, 5, 7}, 1, 3);
    assertThat(mapper.forward(plans).toDoubles()).containsOnly(0).hasSize(3 * WIDTH);
  }

  @ParameterizedTest
  @EnumSource
  void givesThePlansVectorWithAndWithoutLogits(Kind kind) {
    BinaryMapper mapper = mapper(kind);
    double[] weight = weights(mapper, "post_sampler_fc.weight");
    int[] chosen = {0, 5, 7, 2, 6};
    Tensor plans = engine.tensor(chosen, 1, POSITIONS);
    double[] alone = mapper.forward(plans).toDoubles();
    double[] inferred = mapper.forward(normal(1, POSITIONS, BITS), plans).toDoubles();
    for (int n = 0; n < POSITIONS; n++) {
      double[] expected = vector(kind, weight, chosen[n]);
      for (int d = 0; d < WIDTH; d++) {
        assertThat(alone[n * WIDTH + d]).isCloseTo(expected[d], near());
        assertThat(inferred[n * WIDTH + d]).isCloseTo(expected[d], near());
      }
    }
  }

  private static Offset<Double> near() {
    return Offset.offset(1e-5);
  }

  /** Σ_d ⟨dr, W_d⟩·G_d·(b_h(d) − p_h), over all plans or the sampled one. */
  @ParameterizedTest
  @EnumSource
  void leadsTheGradientThroughThePlansProbabilities(Kind kind) {
    BinaryMapper mapper = mapper(kind);
    Tensor logits = normal(1, POSITIONS, BITS).requireGrad();
    Tensor plans = mapper.sample(logits, false);
    Tensor dr = normal(1, POSITIONS, WIDTH);
    mapper.forward(logits, plans).mul(dr).sum().backward();

    double[] weight = weights(mapper, "post_sampler_fc.weight");
    double[] scores = logits.toDoubles();
    double[] pull = dr.toDoubles();
    int[] drawn = plans.toInts();
    double[] expected = new double[POSITIONS * BITS];
    for (int n = 0; n < POSITIONS; n++) {
      for (int plan = 0; plan < PLANS; plan++) {
        if (kind == Kind.TABLE_SAMPLED_GRADIENT && plan != drawn[n]) {
          continue;
        }
        double share = 1;
        for (int h = 0; h < BITS; h++) {
          double p = sigmoid(scores[n * BITS + h]);
          share *= bit(plan, h) == 1 ? p : 1 - p;
        }
        double[] r = vector(kind, weight, plan);
        double along = 0;
        for (int d = 0; d < WIDTH; d++) {
          along += pull[n * WIDTH + d] * r[d];
        }
        for (int h = 0; h < BITS; h++) {
          double p = sigmoid(scores[n * BITS + h]);
          expected[n * BITS + h] += along * share * (bit(plan, h) - p);
        }
      }
    }
    assertThat(distance(gradient(logits).toDoubles(), expected)).isLessThan(1e-5);
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  @Test
  void drawsBitsByTheirProbabilitiesOrByThreshold() {
    BinaryMapper mapper = mapper(Kind.BITS);
    int count = 4000;
    float[] row = {-1, 0.5f, 2};
    float[] many = new float[count * BITS];
    for (int i = 0; i < many.length; i++) {
      many[i] = row[i % BITS];
    }
    Tensor logits = engine.tensor(many, 1, count, BITS);
    assertThat(mapper.sample(logits, true).toInts()).containsOnly(0b110);
    int[] drawn = mapper.sample(logits, false).toInts();
    for (int h = 0; h < BITS; h++) {
      double sum = 0;
      for (int plan : drawn) {
        sum += bit(plan, h);
      }
      assertThat(sum / count).isCloseTo(sigmoid(row[h]), Offset.offset(0.04));
    }
  }

  @Test
  void isStoredAsATorchLinearStoresIt() {
    Parameter table = parameter(mapper(Kind.TABLE_FULL_GRADIENT), "post_sampler_fc.weight");
    assertThat(table.value().shape().toArray()).containsExactly(PLANS, WIDTH);
    assertThat(table.stored(table.value()).shape().toArray()).containsExactly(WIDTH, PLANS);
    Parameter matrix = parameter(mapper(Kind.BITS), "post_sampler_fc.weight");
    assertThat(matrix.stored(matrix.value()).shape().toArray()).containsExactly(WIDTH, BITS);
  }

  @Test
  void takesOneToTwentyBits() {
    for (int bits : new int[] {0, 21}) {
      assertThatThrownBy(() -> new BinaryMapper(engine, Kind.BITS, bits, WIDTH))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("%d bits: a plan has 1 to 20", bits);
    }
  }
}

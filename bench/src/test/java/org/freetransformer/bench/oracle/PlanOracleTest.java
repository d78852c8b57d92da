package org.freetransformer.bench.oracle;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.ops.BinaryMapperOp;
import org.freetransformer.tensor.ops.KlOp;
import org.junit.jupiter.api.Test;

/** The plan's part of the model; libtorch goes through all 2^H plans one by one. */
class PlanOracleTest extends OracleTestBase {
  private static final int POSITIONS = 11;

  private final SplittableRandom random = new SplittableRandom(5);

  private int[] plans(int bits) {
    int[] plans = new int[POSITIONS];
    for (int i = 0; i < POSITIONS; i++) {
      plans[i] = random.nextInt(1 << bits);
    }
    return plans;
  }

  @Test
  void divergenceFromFairCoins() {
    for (int bits : new int[] {1, 3, 16, 20}) {
      oracle.check(
          "KL of %d bits".formatted(bits),
          x -> KlOp.bernoulliKl(x.get(0)),
          (_, x) -> TorchOps.bernoulliKl(x.get(0)),
          Operand.normal(random, POSITIONS, bits).times(3));
    }
  }

  @Test
  void divergenceBeyondTheFreeBits() {
    oracle.check(
        "free bits",
        x ->
            KlOp.freeBits(
                KlOp.bernoulliKl(x.get(0)),
                x.get(0).engine().full(x.get(0).dtype(), Shape.of(), 0.7)),
        (_, x) -> TorchOps.bernoulliKl(x.get(0)).sub(0.7).getNDArrayInternal().relu(),
        Operand.normal(random, 40, 3).times(2));
  }

  @Test
  void fullGradientIsThatOfTheSumOverAllPlans() {
    for (int bits = 1; bits <= 6; bits++) {
      int h = bits;
      int[] plans = plans(bits);
      oracle.check(
          "mapper of %d bits".formatted(bits),
          x ->
              BinaryMapperOp.lookUp(
                  x.get(0), x.get(0).engine().tensor(plans, POSITIONS), x.get(1), true),
          (manager, x) -> {
            NDArray g = TorchOps.planProbabilities(x.get(0), TorchOps.planBits(manager, h));
            NDArray expectation = g.matMul(x.get(1).stopGradient());
            return straightThrough(manager, x.get(1), plans, expectation);
          },
          Operand.normal(random, POSITIONS, bits),
          Operand.normal(random, 1 << bits, 13));
    }
  }

  @Test
  void sampledGradientIsThatOfTheSampledPlanAlone() {
    for (int bits = 1; bits <= 6; bits++) {
      int h = bits;
      int[] plans = plans(bits);
      oracle.check(
          "mapper of %d bits, sampled gradient".formatted(bits),
          x ->
              BinaryMapperOp.lookUp(
                  x.get(0), x.get(0).engine().tensor(plans, POSITIONS), x.get(1), false),
          (manager, x) -> {
            NDArray chosen = TorchOps.indices(manager, plans, POSITIONS, 1);
            NDArray g = TorchOps.planProbabilities(x.get(0), TorchOps.planBits(manager, h));
            NDArray row =
                TorchOps.embedding(
                    x.get(1).stopGradient(), TorchOps.indices(manager, plans, POSITIONS));
            return straightThrough(manager, x.get(1), plans, g.gather(chosen, 1).mul(row));
          },
          Operand.normal(random, POSITIONS, bits),
          Operand.normal(random, 1 << bits, 13));
    }
  }

  /** The value of the plans' rows with the gradient of {@code expectation} towards the logits. */
  private static NDArray straightThrough(
      NDManager manager, NDArray table, int[] plans, NDArray expectation) {
    NDArray rows = TorchOps.embedding(table, TorchOps.indices(manager, plans, POSITIONS));
    return rows.add(expectation).sub(expectation.stopGradient());
  }

  @Test
  void bitsHaveTheGradientOfTheirExpectation() {
    for (int bits : new int[] {1, 5, 16}) {
      int h = bits;
      int[] plans = plans(bits);
      oracle.check(
          "bits",
          x -> BinaryMapperOp.bits(x.get(0), x.get(0).engine().tensor(plans, POSITIONS)),
          (manager, x) -> {
            float[] signs = new float[POSITIONS * h];
            for (int i = 0; i < signs.length; i++) {
              signs[i] = (plans[i / h] >> i % h & 1) * 2 - 1;
            }
            NDArray value = manager.create(signs, Oracle.torchShape(POSITIONS, h));
            NDArray expectation = x.get(0).getNDArrayInternal().sigmoid().mul(2).sub(1);
            return value.add(expectation).sub(expectation.stopGradient());
          },
          Operand.normal(random, POSITIONS, bits).times(2));
    }
  }

  @Test
  void probabilitiesOfAllPlansSumToOne() {
    try (NDManager manager = Libtorch.newManager()) {
      NDArray logits =
          manager.create(Operand.normal(random, 7, 6).values(), Oracle.torchShape(7, 6));
      NDArray g = TorchOps.planProbabilities(logits, TorchOps.planBits(manager, 6));
      float[] ones = new float[7];
      Arrays.fill(ones, 1);
      Oracle.assertClose("Σ G", g.sum(new int[] {1}).toFloatArray(), ones);
    }
  }
}

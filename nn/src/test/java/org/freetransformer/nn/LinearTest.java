package org.freetransformer.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Layers whose weights are held in fewer bits; what each format rounds, the operations' tests. */
final class LinearTest extends LayerTestBase {
  private static final int INPUTS = 40;

  @ParameterizedTest
  @CsvSource({"BF16, 2, 0.01", "I8, 1, 0.02"})
  void narrowedWeightsTakeLessMemoryAndComputeNearlyTheSame(
      DType type, int bytesOfWeight, double tolerance) {
    try (Linear layer = new Linear(engine, INPUTS, 6)) {
      scramble(layer);
      Tensor x = normal(2, 3, INPUTS);
      double[] exact = layer.forward(x).toDoubles();
      layer.holdAs(type);
      Tensor weight = parameter(layer, "weight").value();
      assertThat(weight.dtype()).isEqualTo(type);
      assertThat(weight.buffer().bytes()).isEqualTo((long) INPUTS * 6 * bytesOfWeight);
      assertThat(parameter(layer, "weight").isTrained()).isFalse();
      try (Engine.Mode _ = engine.noGrad()) {
        for (Tensor y : List.of(layer.forward(x), layer.forwardInFull(x))) {
          assertThat(y.dtype()).isEqualTo(DType.F32);
          double off = distance(y.toDoubles(), exact);
          assertThat(off).isGreaterThan(0).isLessThan(tolerance * norm(exact));
        }
      }
    }
  }

  private static double norm(double[] x) {
    return distance(x, new double[x.length]);
  }

  @Test
  void otherFormatsAreRefused() {
    try (Linear layer = new Linear(engine, 2, 2)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> layer.holdAs(DType.F16))
          .withMessageContaining("BF16 or I8");
    }
  }

  @ParameterizedTest
  @CsvSource({"BF16, I8", "I8, BF16", "I8, I8"})
  void weightsAreNarrowedOnce(DType first, DType second) {
    try (Linear layer = new Linear(engine, INPUTS, 6)) {
      layer.holdAs(first);
      Tensor held = parameter(layer, "weight").value();
      assertThatIllegalStateException()
          .isThrownBy(() -> layer.holdAs(second))
          .withMessage("these weights are held as %s already", first);
      assertThat(parameter(layer, "weight").value()).isSameAs(held);
    }
  }
}

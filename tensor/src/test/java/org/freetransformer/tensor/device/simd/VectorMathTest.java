package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class VectorMathTest {
  private static final float[] EDGES = {
    0f,
    -0f,
    Float.MIN_VALUE,
    Float.MIN_NORMAL,
    -Float.MIN_NORMAL,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.NaN,
    1f,
    -1f,
    88.72283f,
    88.7229f,
    -87.33655f,
    -87.3366f,
    -103.97208f,
    -103.9721f,
    -104f,
    1e-6f,
    0.625f
  };

  @Test
  void expIsWithinTwoUlpEverywhere() {
    compare(VectorMath::exp, Math::exp, -110, 95, 2);
    compare(VectorMath::exp, Math::exp, -1, 1, 2);
  }

  @Test
  void expOfNegativeFlushesWhatIsSubnormal() {
    DoubleUnaryOperator flushed = x -> Math.exp(x) < Float.MIN_NORMAL ? 0 : Math.exp(x);
    compare(VectorMath::expOfNegative, flushed, -87.33, 0, 2);
    assertThat(lane(VectorMath::expOfNegative, -88f)).isZero();
    assertThat(lane(VectorMath::expOfNegative, Float.NEGATIVE_INFINITY)).isZero();
    assertThat(lane(VectorMath::expOfNegative, Float.NaN)).isNaN();
  }

  @Test
  void logIsWithinTwoUlpAtAnyScale() {
    compare(VectorMath::log, Math::log, 0.5, 2, 2);
    for (int exponent = -149; exponent < 128; exponent++) {
      double scale = Math.scalb(1.0, exponent);
      compare(VectorMath::log, Math::log, scale, 2 * scale, 2);
    }
  }

  @Test
  void tanhIsWithinThreeUlp() {
    compare(VectorMath::tanh, Math::tanh, -12, 12, 3);
    compare(VectorMath::tanh, Math::tanh, -1e-3, 1e-3, 3);
  }

  @Test
  void sigmoidAndLogOfOnePlusAreWithinFourUlp() {
    compare(VectorMath::sigmoid, x -> 1 / (1 + Math.exp(-x)), -87, 87, 4);
    compare(VectorMath::logOfOnePlus, Math::log1p, 0, 1, 4);
    compare(VectorMath::logOfOnePlus, Math::log1p, 0, 1e-6, 4);
  }

  /** Compares on an even grid and at the edges. */
  private static void compare(
      UnaryOperator<FloatVector> tested,
      DoubleUnaryOperator oracle,
      double low,
      double high,
      int ulps) {
    int steps = 20_000;
    for (int i = 0; i <= steps; i++) {
      check(tested, oracle, (float) (low + (high - low) * i / steps), ulps);
    }
    for (float edge : EDGES) {
      if (!(edge < low || edge > high) || Float.isNaN(edge)) {
        check(tested, oracle, edge, ulps);
      }
    }
  }

  private static void check(
      UnaryOperator<FloatVector> tested, DoubleUnaryOperator oracle, float x, int ulps) {
    float expected = (float) oracle.applyAsDouble(x);
    float actual = lane(tested, x);
    boolean close =
        Float.compare(expected, actual) == 0
            || expected == actual
            || Math.abs((double) expected - actual) <= ulps * (double) Math.ulp(expected);
    assertThat(close).as("at %s: %s, not %s", x, expected, actual).isTrue();
  }

  private static float lane(UnaryOperator<FloatVector> function, float x) {
    return function.apply(FloatVector.broadcast(Lanes.SPECIES, x)).lane(0);
  }

  @Test
  void edgesOfExpAndLog() {
    for (float edge : EDGES) {
      check(VectorMath::exp, Math::exp, edge, 2);
      check(VectorMath::log, Math::log, edge, 2);
      check(VectorMath::tanh, Math::tanh, edge, 3);
    }
  }
}

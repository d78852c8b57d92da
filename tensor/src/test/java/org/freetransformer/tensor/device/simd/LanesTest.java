package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class LanesTest {
  /** Calls after which the sum has long been compiled. */
  private static final int CALLS = 100_000;

  @Test
  void sumsInTheSameOrderInterpretedAndCompiled() {
    Random random = new Random(1);
    float[] values = new float[Lanes.COUNT];
    for (int call = 0; call < CALLS; call++) {
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextFloat(-1, 1);
      }
      float sum = Lanes.sum(FloatVector.fromArray(Lanes.SPECIES, values, 0));
      assertThat(sum).as("call %d", call).isEqualTo(halvesUponHalves(values));
    }
  }

  private static float halvesUponHalves(float[] values) {
    float[] sums = values.clone();
    for (int half = sums.length / 2; half >= 1; half /= 2) {
      for (int i = 0; i < half; i++) {
        sums[i] += sums[i + half];
      }
    }
    return sums[0];
  }
}

package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BFloat16Test {
  @Test
  void everyPatternComesBack() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = BFloat16.toFloat((short) bits);
      if (Float.isNaN(value)) {
        assertThat(BFloat16.toFloat(BFloat16.fromFloat(value))).isNaN();
      } else {
        assertThat(BFloat16.fromFloat(value)).isEqualTo((short) bits);
      }
    }
  }

  @Test
  void roundsToNearestAndTiesToEven() {
    float step = 0x1p-7f; // distance of bfloat16 numbers between 1 and 2
    assertThat(rounded(1 + 0.49f * step)).isEqualTo(1);
    assertThat(rounded(1 + 0.51f * step)).isEqualTo(1 + step);
    assertThat(rounded(1 + 0.5f * step)).isEqualTo(1);
    assertThat(rounded(1 + 1.5f * step)).isEqualTo(1 + 2 * step);
    assertThat(rounded(-1 - 1.5f * step)).isEqualTo(-1 - 2 * step);
    assertThat(rounded(Float.MAX_VALUE)).isEqualTo(Float.POSITIVE_INFINITY);
  }

  @Test
  void keepsNaNWhoseOnlySetBitsAreDropped() {
    assertThat(rounded(Float.intBitsToFloat(0x7f800001))).isNaN();
  }

  private static float rounded(float value) {
    return BFloat16.toFloat(BFloat16.fromFloat(value));
  }
}

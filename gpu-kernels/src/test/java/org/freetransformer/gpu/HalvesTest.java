package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.freetransformer.tensor.BFloat16;
import org.junit.jupiter.api.Test;

/** The arithmetic of numbers of 16 bits, as Java, beside the bits themselves. */
class HalvesTest {
  @Test
  void readsEveryNumber() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      assertSame(bits, BFloat16.toFloat((short) bits), Halves.decoded(Halves.BF16, bits));
      assertSame(bits, Float.float16ToFloat((short) bits), Halves.decoded(Halves.F16, bits));
    }
  }

  private static void assertSame(int bits, float expected, float actual) {
    boolean same = Float.isNaN(expected) ? Float.isInfinite(actual) : expected == actual;
    assertThat(same).as("%04x: %s, not %s", bits, expected, actual).isTrue();
  }

  @Test
  void makesTheNearestNumber() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 500_000; i++) {
      // Any exponent; now and then few bits, so that ties occur.
      int bits = random.nextInt() & (i % 3 == 0 ? 0xFFFFF000 : i % 3 == 1 ? 0xFFFF8000 : ~0);
      float value = Float.intBitsToFloat(bits);
      assertRounded(BFloat16.fromFloat(value), Halves.encoded(Halves.BF16, value), value);
      assertRounded(Float.floatToFloat16(value), Halves.encoded(Halves.F16, value), value);
    }
  }

  /** To the bit, but for the sign of zero and the kind of not-a-number. */
  private static void assertRounded(short expected, int actual, float value) {
    boolean same = (short) actual == expected || Float.isNaN(value) || (expected & 0x7FFF) == 0;
    assertThat(same).as("%s: %04x, not %04x", value, expected, actual).isTrue();
    if ((expected & 0x7FFF) == 0 && !Float.isNaN(value)) {
      assertThat(actual & 0x7FFF).as("%s", value).isZero();
    }
  }

  @Test
  void keepsWhatIsNoNumber() {
    for (int type : new int[] {Halves.BF16, Halves.F16}) {
      assertThat(Halves.decoded(type, Halves.encoded(type, Float.NaN)))
          .as("still not finite, so that a training step is not taken")
          .isInfinite();
      assertThat(Halves.decoded(type, Halves.encoded(type, Float.NEGATIVE_INFINITY)))
          .isEqualTo(Float.NEGATIVE_INFINITY);
    }
  }
}

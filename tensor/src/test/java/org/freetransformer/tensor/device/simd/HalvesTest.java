package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.freetransformer.tensor.BFloat16;
import org.freetransformer.tensor.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HalvesTest {
  private static final int ALL = 1 << 16;

  /** The conversions of the JDK, and of this project, one number at a time. */
  private static float widened(DType type, short bits) {
    return type == DType.BF16 ? BFloat16.toFloat(bits) : Float.float16ToFloat(bits);
  }

  private static short narrowed(DType type, float value) {
    return type == DType.BF16 ? BFloat16.fromFloat(value) : Float.floatToFloat16(value);
  }

  /** Equal to the bit, but all NaNs are one. */
  private static void assertSame(float actual, float expected, int bits) {
    assertThat(Float.floatToIntBits(actual))
        .as("%x", bits)
        .isEqualTo(Float.floatToIntBits(expected));
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void widensEveryNumberExactly(DType type) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment halves = arena.allocate(2L * ALL, 64);
      MemorySegment wide = arena.allocate(4L * ALL, 64);
      for (int bits = 0; bits < ALL; bits++) {
        halves.setAtIndex(ValueLayout.JAVA_SHORT, bits, (short) bits);
      }
      Halves.widen(type, halves, 0, ALL, wide, 0);
      for (int bits = 0; bits < ALL; bits++) {
        float expected = widened(type, (short) bits);
        assertSame(Memory.floatAt(wide, bits), expected, bits);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void narrowsToTheNearestAndTiesToEven(DType type) {
    SplittableRandom random = new SplittableRandom(3);
    int n = 1 << 18;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment wide = arena.allocate(4L * n, 64);
      MemorySegment halves = arena.allocate(2L * n, 64);
      for (int i = 0; i < n; i++) {
        // Any bits, and those around ties of ordinary and of tiny numbers.
        int bits = random.nextInt();
        int half = Float.floatToRawIntBits(widened(type, (short) random.nextInt()));
        int tie = half + (random.nextInt(5) - 2) + (type == DType.BF16 ? 0x8000 : 0x1000);
        wide.setAtIndex(Memory.INT, i, i % 2 == 0 ? bits : tie);
      }
      Halves.put(wide, 0, n, false, type, halves, 0);
      for (int i = 0; i < n; i++) {
        float x = Memory.floatAt(wide, i);
        float expected = widened(type, narrowed(type, x));
        float actual = Halves.get(type, halves, 2L * i);
        assertSame(actual, expected, Float.floatToRawIntBits(x));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void addsInFullAndTouchesNothingElse(DType type) {
    for (int n = 0; n < 70; n++) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment wide = arena.allocate(4L * n + 64, 64);
        MemorySegment halves = arena.allocate(2L * n + 64, 64);
        for (int i = 0; i < n + 8; i++) {
          wide.setAtIndex(Memory.FLOAT, i, i * 0.37f);
          Halves.set(type, halves, 2L * i, 3 - i);
        }
        Halves.put(wide, 0, n, true, type, halves, 0);
        for (int i = 0; i < n + 8; i++) {
          float before = widened(type, narrowed(type, 3 - i));
          float expected = i < n ? widened(type, narrowed(type, i * 0.37f + before)) : before;
          assertThat(Halves.get(type, halves, 2L * i)).as("%d of %d", i, n).isEqualTo(expected);
        }
      }
    }
  }
}

package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;

class DTypeTest {
  @Test
  void sizesAndWhatCanHaveAGradient() {
    assertThat(DType.values()).extracting(DType::bytes).containsExactly(8, 4, 2, 2, 4, 1, 1);
    assertThat(DType.values())
        .filteredOn(DType::isFloating)
        .containsExactly(DType.F64, DType.F32, DType.BF16, DType.F16);
  }

  @Test
  void conversionsRoundToNearestEvenAndIntegersTruncate() {
    try (Engine engine = Engine.on(Devices.scalar())) {
      // Halfway between two neighbours of 8 and of 11 significant bits.
      Tensor x = engine.tensor(new double[] {1 + 0x1p-8, 1 + 3 * 0x1p-8, -2.75, 1e-3}, 4);
      assertThat(x.to(DType.BF16).toDoubles())
          .containsExactly(1, 1 + 0x1p-6, -2.75, 0.00099945068359375);
      Tensor y = engine.tensor(new double[] {1 + 0x1p-11, 1 + 3 * 0x1p-11, 70000}, 3);
      assertThat(y.to(DType.F16).toDoubles())
          .containsExactly(1, 1 + 0x1p-9, Double.POSITIVE_INFINITY);
      assertThat(x.to(DType.I32).toInts()).containsExactly(1, 1, -2, 0);
      assertThat(engine.tensor(new int[] {0, 7, 255}, 3).to(DType.U8).toInts())
          .containsExactly(0, 7, 255);
      assertThat(engine.tensor(new int[] {-128, 7, 127}, 3).to(DType.I8).toInts())
          .containsExactly(-128, 7, 127);
    }
  }
}

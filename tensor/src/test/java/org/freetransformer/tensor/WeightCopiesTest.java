package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.ops.MatMulOp;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WeightCopiesTest {
  private final Engine engine = Engine.on(Devices.cpu(1));
  private final WeightCopies copies = new WeightCopies(engine, Precision.BF16);
  private final Tensor weight = engine.allocate("test", DType.F32, Shape.of(1, 2)).requireGrad();

  // 1 + 2^-9 rounds to 1 in bfloat16.
  private final Tensor x = engine.tensor(new float[] {1 + 0x1p-9f, 2}, 1, 2);

  @AfterEach
  void closeEngine() {
    copies.close();
    weight.close();
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  private Tensor product() {
    try (Engine.Mode _ = engine.mixedPrecision(copies)) {
      return MatMulOp.linearInFull(x, weight);
    }
  }

  @Test
  void productsReadRoundedNumbersAndGradientsGoToTheMaster() {
    weight.set(new float[] {1 + 0x1p-9f, 3});
    Tensor y = product();
    assertThat(y.dtype()).isEqualTo(DType.F32);
    assertThat(y.toFloats()).containsExactly(7);
    y.sum().backward();
    Tensor gradient = Objects.requireNonNull(weight.grad());
    assertThat(gradient.dtype()).isEqualTo(DType.F32);
    assertThat(gradient.toFloats()).containsExactly(1, 2);
  }

  @Test
  void copiesAreAsOldAsTheLastRefresh() {
    weight.set(new float[] {1, 3});
    assertThat(product().toFloats()).containsExactly(7);
    weight.set(new float[] {2, 3});
    assertThat(product().toFloats()).containsExactly(7);
    copies.refresh();
    assertThat(product().toFloats()).containsExactly(8);
  }

  @Test
  void aWeightIsCastOnceHoweverOftenItIsUsed() {
    weight.set(new float[] {1, 3});
    product();
    product();
    try (Program casts =
        Program.record(
            engine,
            () -> {
              copies.refresh();
              return List.of();
            })) {
      assertThat(casts.instructions()).hasSize(1);
    }
  }

  @Test
  void withoutAPolicyEverythingIsAsItWas() {
    weight.set(new float[] {1 + 0x1p-9f, 3});
    assertThat(engine.precision()).isEqualTo(Precision.FP32);
    assertThat(MatMulOp.linear(x, weight).dtype()).isEqualTo(DType.F32);
    assertThat(MatMulOp.linear(x, weight).item()).isEqualTo((float) (Math.pow(1 + 0x1p-9, 2) + 6));
  }
}

package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.stream.Stream;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.device.simd.SimdDevices;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What each way to compute says of an index that no table has. */
class OutOfRangeTest {
  static Stream<Device> devices() {
    return Stream.of(Devices.scalar(), SimdDevices.cold(1), SimdDevices.warm(1));
  }

  private static void assertRefused(Runnable operation, String message) {
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(operation::run)
        .withMessage(message);
  }

  /** The row behind the table's last is within the cache line that memory ends with. */
  @ParameterizedTest
  @MethodSource("devices")
  void positions(Device device) {
    try (Engine engine = Engine.on(device)) {
      Tensor x = engine.ones(2, 3, 1, 8);
      Tensor table = engine.ones(63, 8);
      assertRefused(
          () -> RopeOp.rope(x, engine.tensor(new int[] {0, 62, 63}, 3), table),
          "rope: position 63 of token 2: the table has positions 0 to 62");
      assertRefused(
          () -> RopeOp.rope(x, engine.tensor(new int[] {0, 1, 2, 3, -1, 5}, 2, 3), table),
          "rope: position -1 of token 4: the table has positions 0 to 62");
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void targets(Device device) {
    try (Engine engine = Engine.on(device)) {
      Tensor logits = engine.ones(3, 7).requireGrad();
      Tensor targets = engine.tensor(new int[] {6, -100, 7}, 3);
      String message = "crossEntropy: target 7 of row 2: there are classes 0 to 6";
      assertRefused(() -> CrossEntropyOp.crossEntropy(logits, targets, -100), message);
      targets.set(new int[] {6, -100, 5});
      Tensor loss = CrossEntropyOp.crossEntropy(logits, targets, -100).sum();
      targets.set(new int[] {6, -100, 7});
      assertRefused(loss::backward, message);
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void plans(Device device) {
    try (Engine engine = Engine.on(device)) {
      Tensor logits = engine.full(DType.F32, Shape.of(2, 3), 0).requireGrad();
      for (int wrong : new int[] {8, -1}) {
        Tensor indices = engine.tensor(new int[] {7, wrong}, 2);
        Tensor rows = BinaryMapperOp.lookUp(logits, indices, engine.ones(8, 5), false);
        assertRefused(
            rows.sum()::backward,
            "binary mapper: plan %d of row 1: the table has plans 0 to 7".formatted(wrong));
      }
    }
  }
}

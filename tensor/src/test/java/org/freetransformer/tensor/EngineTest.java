package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.memory.MemoryPool;
import org.junit.jupiter.api.Test;

/** An engine's beginning and end, and sizes that no memory has. */
class EngineTest {
  @Test
  void closingTwiceDoesNothing() {
    Engine engine = Engine.on(Devices.cpu(2));
    engine.ones(3);
    engine.close();
    engine.close();
    assertThat(engine.device().memory().reservedBytes()).isZero();
  }

  @Test
  void anEngineThatFindsNoMemoryClosesItsDevice() {
    ShortOfMemory device = new ShortOfMemory(0);
    assertThatThrownBy(() -> Engine.on(device)).isInstanceOf(OutOfMemoryError.class);
    assertThat(device.isClosed()).isTrue();
  }

  @Test
  void bytesBeyondALongAreRefusedAndNotCounted() {
    try (Engine engine = Engine.on(Devices.scalar())) {
      MemoryPool memory = engine.device().memory();
      long before = memory.liveBytes();
      Shape huge = Shape.of(1 << 30, 1 << 30, 2);
      for (Runnable make :
          new Runnable[] {
            () -> engine.empty(DType.F32, huge),
            () -> engine.allocate("weights", DType.F64, huge),
            () -> engine.filled("weights", DType.F32, huge, _ -> {}),
            () -> engine.placeholder(DType.F32, huge),
          }) {
        assertThatIllegalArgumentException()
            .isThrownBy(make::run)
            .withMessageContaining("[1073741824,1073741824,2]")
            .withMessageContaining("more bytes than a long counts");
      }
      assertThat(memory.liveBytes()).isEqualTo(before);
    }
  }
}

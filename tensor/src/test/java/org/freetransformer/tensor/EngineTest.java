package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;

/** An engine's beginning and end. */
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
}

package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.junit.jupiter.api.Test;

/** A device's beginning and end. */
class SimdDeviceTest {
  @Test
  void threadsEndIfThereIsNoMemoryForTheirDevice() throws Exception {
    assertThat(ForkedJvm.run(List.of("-Xmx16m", "-XX:+UseSerialGC"), ExhaustedDevice.class))
        .contains("no device", "0 threads left");
  }

  /** Its kernels may be using what would be closed. */
  @Test
  void aDeviceThatComputesIsNotClosedByHalf() {
    SimdDevice device = new SimdDevice(2);
    Buffer numbers = SimdDevices.buffer(device, DType.F32, 3);
    assertThatIllegalStateException()
        .isThrownBy(() -> device.workers.team().run(1, (_, _) -> device.close()))
        .withMessageContaining("a task may not");
    device.prepare(new Instruction.Fill(numbers, 2)).run();
    assertThat(Memory.floatAt(Memory.of(numbers), 2)).isEqualTo(2);
    device.close();
    device.close();
    assertThat(device.memory().reservedBytes()).isZero();
  }
}

package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.device.simd.ForkedJvm;
import org.junit.jupiter.api.Test;

class DevicesTest {
  @Test
  void theSimdDeviceWhereTheVectorApiIsThere() {
    try (Device device = Devices.cpu(1)) {
      assertThat(device.name()).isEqualTo("cpu-simd");
    }
  }

  @Test
  void threadsArePositive() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Devices.cpu(0))
        .withMessageContaining("threads: 0");
  }

  @Test
  void plainLoopsAndOneWarningWithoutTheVectorApi() throws Exception {
    List<String> output = run("-Xlog:class+load:stdout");
    List<String> classes = output.stream().filter(line -> line.contains("[class,load]")).toList();
    List<String> printed = new ArrayList<>(output);
    printed.removeAll(classes);
    assertThat(printed).filteredOn(line -> line.contains("computes")).hasSize(2);
    assertThat(printed).filteredOn(line -> line.equals("cpu-scalar computes 7.0")).hasSize(2);
    assertThat(printed)
        .filteredOn(line -> line.contains("--add-modules jdk.incubator.vector"))
        .hasSize(1)
        .first()
        .asString()
        .contains("WARNING");
    assertThat(classes)
        .anyMatch(line -> line.contains("device.scalar.ScalarDevice"))
        .noneMatch(line -> line.contains("jdk.incubator.vector"))
        .noneMatch(line -> line.contains("device.simd"));
  }

  /** Runs {@link PlainProgram} in a JVM whose only flag is the given one. */
  private static List<String> run(String flag) throws Exception {
    return ForkedJvm.runWith(List.of(flag), PlainProgram.class);
  }
}

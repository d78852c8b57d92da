package org.freetransformer.cli;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.freetransformer.run.Environment;
import org.freetransformer.run.Units;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ft devices}: what can compute here, and what cannot and why. */
@Command(
    name = "devices",
    mixinStandardHelpOptions = true,
    description = "Lists the devices that can compute here, and why others cannot.")
final class DevicesCommand implements Callable<Integer> {
  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  @Mixin private Output output;

  /**
   * One device.
   *
   * @param id as {@code --device} takes it
   * @param memory in bytes, 0 if unknown
   * @param whyNot null if it is available
   */
  private record Row(String id, String name, String kind, long memory, @Nullable String whyNot) {
    Map<String, Object> toMap() {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("id", id);
      map.put("name", name);
      map.put("kind", kind);
      map.put("memory", memory);
      map.put("available", whyNot == null);
      map.put("why_not", whyNot);
      return map;
    }
  }

  @Override
  public Integer call() {
    long memory = memory();
    List<Row> rows = new ArrayList<>(List.of(simd(memory), scalar(memory)));
    rows.addAll(provided());
    StringBuilder text = new StringBuilder();
    for (Row row : rows) {
      String state = row.whyNot() == null ? "available" : "not available: " + row.whyNot();
      text.append("%-9s %s; %s%n".formatted(row.id(), row.name(), state));
    }
    text.append("memory    %s%n".formatted(Units.bytes(memory)));
    output.result(Map.of("devices", rows.stream().map(Row::toMap).toList()), text.toString());
    return 0;
  }

  private static Row simd(long memory) {
    if (ModuleLayer.boot().findModule(VECTOR_MODULE).isEmpty()) {
      return new Row(
          "cpu",
          Environment.cpuName(),
          "simd",
          memory,
          "Java was started without --add-modules " + VECTOR_MODULE);
    }
    try (Device device = Devices.cpu(Runtime.getRuntime().availableProcessors())) {
      String name = Environment.cpuName() + ", " + device.description();
      return new Row("cpu", name, "simd", memory, null);
    }
  }

  private static Row scalar(long memory) {
    try (Device device = Devices.scalar()) {
      return new Row("scalar", device.description(), "scalar", memory, null);
    }
  }

  /** Devices of providers on the class path, such as the GPU kernels. */
  private static List<Row> provided() {
    return Devices.provided().stream()
        .map(found ->
            new Row(found.id(), found.name(), found.kind(), found.memory(), found.whyNot()))
        .toList();
  }

  /** Memory of the machine, or of the container that this process lives in. */
  private static long memory() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
  }
}

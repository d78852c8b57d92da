package org.freetransformer.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.bench.limit.FmaLoop;
import org.freetransformer.bench.openblas.OpenBlas;
import org.freetransformer.bench.pytorch.PyTorch;
import org.freetransformer.bench.suite.Place;
import org.freetransformer.run.Environment;
import org.freetransformer.tensor.device.Devices;
import org.jspecify.annotations.Nullable;

/**
 * What was measured on.
 *
 * @param cpu name of the processor
 * @param processors how many this JVM may use
 * @param vectorBits width of the vectors in use
 * @param jdk version and vendor
 * @param libtorch version, or why it is missing
 * @param openBlas the kernels that it picked, or why it is missing
 * @param device what computes beside the processor; empty if nothing does
 * @param torch what PyTorch there is for the device; empty if there is none
 */
record Machine(
    String cpu,
    int processors,
    int vectorBits,
    String jdk,
    String libtorch,
    String openBlas,
    String device,
    String torch) {
  /**
   * This one.
   *
   * @param device id of a device beyond the processor, or null
   */
  static Machine here(@Nullable String device) {
    return new Machine(
        Environment.cpuName(),
        Runtime.getRuntime().availableProcessors(),
        FmaLoop.vectorBits(),
        System.getProperty("java.vm.name") + " " + Runtime.version(),
        Libtorch.whyMissing().orElseGet(Libtorch::version),
        OpenBlas.whyMissing().orElseGet(OpenBlas::coreName),
        device == null ? "" : describe(device),
        device == null ? "" : describeTorch(device));
  }

  private static String describe(String id) {
    String name = Devices.provided(id).name();
    return "%s, %s%s".formatted(id, name, isProcessor(id) ? ", which is this processor" : "");
  }

  private static String describeTorch(String id) {
    return PyTorch.find().describe(PyTorch.device(isProcessor(id), id));
  }

  private static boolean isProcessor(String id) {
    return new Place(id, 1).isProcessor();
  }

  /** What computed, for a picture's title. */
  String place(int threads) {
    return device.isEmpty() ? "%d threads of %s".formatted(threads, cpu) : device;
  }

  String describe() {
    String here =
        "%s, %d processors, %d-bit vectors; %s; libtorch %s; OpenBLAS: %s"
            .formatted(cpu, processors, vectorBits, jdk, libtorch, openBlas);
    return device.isEmpty() ? here : "%s; %s; %s".formatted(here, device, torch);
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("cpu", cpu);
    map.put("processors", processors);
    map.put("vector_bits", vectorBits);
    map.put("jdk", jdk);
    map.put("libtorch", libtorch);
    map.put("openblas", openBlas);
    map.put("device", device.isEmpty() ? null : device + "; " + torch);
    return map;
  }
}

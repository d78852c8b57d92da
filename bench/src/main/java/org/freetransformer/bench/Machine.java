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
 * @param device what computes beside the processor, and what its peers are; empty if nothing does
 */
record Machine(
    String cpu,
    int processors,
    int vectorBits,
    String jdk,
    String libtorch,
    String openBlas,
    String device) {
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
        device == null ? "" : describe(device));
  }

  private static String describe(String id) {
    boolean isProcessor = new Place(id, 1).isProcessor();
    String torch = PyTorch.device(isProcessor, id);
    return "%s, %s%s; %s"
        .formatted(
            id,
            Devices.provided(id).name(),
            isProcessor ? ", which is this processor" : "",
            PyTorch.find().describe(torch));
  }

  String describe() {
    String here =
        "%s, %d processors, %d-bit vectors; %s; libtorch %s; OpenBLAS: %s"
            .formatted(cpu, processors, vectorBits, jdk, libtorch, openBlas);
    return device.isEmpty() ? here : here + "; " + device;
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("cpu", cpu);
    map.put("processors", processors);
    map.put("vector_bits", vectorBits);
    map.put("jdk", jdk);
    map.put("libtorch", libtorch);
    map.put("openblas", openBlas);
    map.put("device", device.isEmpty() ? null : device);
    return map;
  }
}

package org.freetransformer.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.bench.limit.FmaLoop;
import org.freetransformer.bench.openblas.OpenBlas;
import org.freetransformer.run.Environment;

/**
 * What was measured on.
 *
 * @param cpu name of the processor
 * @param processors how many this JVM may use
 * @param vectorBits width of the vectors in use
 * @param jdk version and vendor
 * @param libtorch version, or why it is missing
 * @param openBlas the kernels that it picked, or why it is missing
 */
record Machine(
    String cpu, int processors, int vectorBits, String jdk, String libtorch, String openBlas) {
  static Machine here() {
    return new Machine(
        Environment.cpuName(),
        Runtime.getRuntime().availableProcessors(),
        FmaLoop.vectorBits(),
        System.getProperty("java.vm.name") + " " + Runtime.version(),
        Libtorch.whyMissing().orElseGet(Libtorch::version),
        OpenBlas.whyMissing().orElseGet(OpenBlas::coreName));
  }

  String describe() {
    return "%s, %d processors, %d-bit vectors; %s; libtorch %s; OpenBLAS: %s"
        .formatted(cpu, processors, vectorBits, jdk, libtorch, openBlas);
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("cpu", cpu);
    map.put("processors", processors);
    map.put("vector_bits", vectorBits);
    map.put("jdk", jdk);
    map.put("libtorch", libtorch);
    map.put("openblas", openBlas);
    return map;
  }
}

package org.freetransformer.bench;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.freetransformer.cli.Benchmarks.Request;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class BenchmarkRunnerTest {
  private static void run(List<String> suites, @Nullable Path json) throws Exception {
    run(suites, null, json);
  }

  private static void run(List<String> suites, @Nullable String device, @Nullable Path json)
      throws Exception {
    Request request = new Request(suites, true, device, 1, json, null, "ft bench");
    try (PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream())) {
      new BenchmarkRunner().run(request, nowhere);
    }
  }

  @Test
  void namesTheNearestSuite() {
    assertThatThrownBy(() -> run(List.of("kernel"), null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "--suite: 'kernel' is unknown; allowed are gemm, kernels, mapper, step, free, decode,"
                + " shard, jlama, gpu; nearest is kernels");
  }

  @Test
  void ratiosToDifferentPeersDoNotStandInOneTable() {
    assertThatThrownBy(() -> run(List.of("decode", "jlama"), null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("--suite jlama stands alone");
  }

  @Test
  void refusesAFileThatCannotBeWrittenBeforeItMeasures() {
    Path file = Path.of("no-such-folder", "rows.json");
    assertThatThrownBy(() -> run(List.of("gemm"), file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(file + " cannot be written");
  }

  @Test
  void measuresADeviceOnlyWhereOneIsNamedAndThere() {
    assertThatThrownBy(() -> run(List.of("gpu"), null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("--suite gpu: name the device with --device");
    assertThatThrownBy(() -> run(List.of("gpu"), "cuda:99", null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("'cuda:99' is not available: ");
  }
}

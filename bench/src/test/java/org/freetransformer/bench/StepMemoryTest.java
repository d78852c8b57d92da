package org.freetransformer.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.freetransformer.bench.StepMemory.Held;
import org.freetransformer.bench.suite.Peers;
import org.freetransformer.bench.suite.StepSide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StepMemoryTest {
  private static final long MIB = 1 << 20;

  private static final StepMemory MEMORY =
      new StepMemory(
          "Llama 1M",
          2,
          new Held(10 * MIB, 40 * MIB, 50 * MIB, 30),
          new Held(100 * MIB, 150 * MIB, 200 * MIB, 60));

  @Test
  void readsWhatLinuxTells() {
    List<String> lines =
        List.of(
            "Name:\tjava", "VmPeak:\t 9000000 kB", "VmHWM:\t  200512 kB", "VmRSS:\t    1024 kB");
    assertThat(ProcessStatus.parse(lines)).isEqualTo(new ProcessStatus(MIB, 200512L * 1024));
    assertThatThrownBy(() -> ProcessStatus.parse(lines.subList(0, 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is no line VmRSS:");
    assertThatThrownBy(() -> ProcessStatus.parse(List.of("VmRSS: 1 MB", "VmHWM: 1 kB")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("not a number of kB: VmRSS: 1 MB");
  }

  @Test
  void findsTheFiguresAmongWhatAProcessSaid() {
    Held held = new Held(1, 2, 3, 4);
    assertThat(Held.parse("WARNING: something\n" + held.line() + "\n")).isEqualTo(held);
    assertThatThrownBy(() -> Held.parse("no figure"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no figures in: no figure");
  }

  @Test
  void theRemarkHoldsTheBarAndWhatThePeaksAreMadeOf() {
    assertThat(StepMemory.remark(List.of(MEMORY)))
        .contains(
            "| peak resident memory of a step beside libtorch's, Llama 1M, 2 threads | ≤ 0.60 |"
                + " 0.25 (ours 50 MiB, libtorch 200 MiB) |",
            "| Llama 1M, ours | 10 | 40 | 50 | 30 |",
            "| Llama 1M, libtorch | 100 | 150 | 200 | 60 |");
  }

  @Test
  void theJsonHoldsBytes() throws Exception {
    Machine machine = new Machine("A CPU", 2, 512, "A JVM 25", "2.7.1", "none here", "", "");
    Results results =
        new Results(machine, Peers.LIBRARIES, List.of(), List.of(MEMORY), List.of("A remark."));
    JsonNode json = new ObjectMapper().readTree(results.toJson());
    JsonNode memory = json.get("step_memory").get(0);
    assertThat(memory.get("ours").get("peak_bytes").asLong()).isEqualTo(50 * MIB);
    assertThat(memory.get("peer").get("built_bytes").asLong()).isEqualTo(150 * MIB);
    assertThat(memory.get("ratio_peak").asDouble()).isEqualTo(0.25);
    assertThat(json.get("remarks").get(0).asText()).isEqualTo("A remark.");
  }

  @Test
  void everySideRunsInAProcessOfItsOwn() throws Exception {
    assumeTrue(StepMemory.whyMissing().isEmpty(), () -> StepMemory.whyMissing().orElseThrow());
    StepMemory memory = StepMemory.measure(StepSide.TINY, 1, new StepMemory.Patience(2, 0));
    for (Held held : List.of(memory.ours(), memory.peer())) {
      assertThat(held.loaded()).isGreaterThan(10 * MIB);
      assertThat(held.built()).isGreaterThan(held.loaded());
      assertThat(held.peak()).isBetween(held.built(), 2000 * MIB);
      assertThat(held.steps()).isGreaterThanOrEqualTo(3);
    }
    // Its native libraries alone are larger than our whole process with a model of this size.
    assertThat(memory.peer().peak()).isGreaterThan(memory.ours().peak());
  }

  /** What our engine takes must not count as libtorch's. */
  @Test
  void noEngineOfOursIsInLibtorchsProcess(@TempDir Path folder) throws Exception {
    assumeTrue(StepMemory.whyMissing().isEmpty(), () -> StepMemory.whyMissing().orElseThrow());
    for (StepSide side : StepSide.values()) {
      Path log = folder.resolve(side.name());
      List<String> command =
          new ArrayList<>(
              StepMemory.command(side, StepSide.TINY, 1, new StepMemory.Patience(1, 0)));
      command.add(1, "-Xlog:class+load:file=" + log);
      ChildProcess.said(side.name(), command, Map.of(), Duration.ofMinutes(2));
      assertThat(Files.readString(log).contains("org.freetransformer.tensor.Engine "))
          .as("%s has an engine", side)
          .isEqualTo(side == StepSide.OURS);
    }
  }

  @Test
  void saysWhatAProcessSaidThatFailed() {
    assumeTrue(StepMemory.whyMissing().isEmpty(), () -> StepMemory.whyMissing().orElseThrow());
    assertThatThrownBy(() -> StepMemory.measure("nonsense", 1, new StepMemory.Patience(1, 0)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no case of suite step is named 'nonsense'");
  }
}

package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.data.Percentage;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrecisionCommandTest {
  private static final Path LETTERS = Path.of("../configs/plan-letters-quick.yaml");

  @Test
  void saysThatAStudyThatWasStoppedCannotGoOn(@TempDir Path folder) throws IOException {
    Path run = Files.createDirectories(folder.resolve("bf16"));
    Files.writeString(run.resolve("config.yaml"), TinyRun.CONFIG);
    ft("precision", "--config", LETTERS, "--out", folder)
        .refused(run.toString(), "cannot go on; name another --out, or remove it");
    assertThat(folder.resolve("fp32")).doesNotExist();
  }

  @Test
  void trainsEveryWayAndSaysWhatItTook(@TempDir Path folder) throws IOException {
    Path report = folder.resolve("precision.md");
    JsonNode result = ft(tiny(folder.resolve("runs"), report), "--json").json();
    assertThat(result.path("ways")).hasSize(7);
    JsonNode full = result.path("ways").get(0);
    JsonNode half = result.path("ways").get(1);
    JsonNode again = result.path("ways").get(4);
    assertThat(full.path("losses")).hasSize(3).isEqualTo(again.path("losses"));
    assertThat(half.path("losses")).isNotEqualTo(full.path("losses"));
    assertThat(half.path("measured_bytes").asLong())
        .isLessThan(full.path("measured_bytes").asLong());
    assertThat(again.path("measured_bytes").asLong())
        .isLessThan(full.path("measured_bytes").asLong());
    for (JsonNode way : result.path("ways")) {
      assertThat(way.path("planned_total").asLong())
          .as("%s, planned", way.path("way").asText())
          .isCloseTo(way.path("measured_bytes").asLong(), Percentage.withPercentage(10));
    }
    assertThat(Files.readString(report))
        .contains("| fp32 | 3 |", "| bf16 | 3 |", "equal, bit for bit,", "./ft")
        .doesNotContain("DIFFER");
    assertThat(folder.resolve("runs/bf16-checkpointed/metrics.jsonl")).isNotEmptyFile();
  }

  private static Object[] tiny(Path out, Path report) {
    return new Object[] {
      "precision",
      "--config",
      LETTERS,
      "--out",
      out,
      "--report",
      report,
      "--set",
      "training.max_steps=3",
      "--set",
      "training.batch_size=2",
      "--set",
      "model.hidden_dim=16",
      "--set",
      "model.ffn_hidden_dim=24"
    };
  }

  @Test
  void whatItFoundIsNotLostToADocumentThatCannotBeWritten(@TempDir Path folder) {
    Path report = folder.resolve("long".repeat(100));
    Outcome outcome = ft(tiny(folder.resolve("runs"), report), "--quiet");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.out()).contains("| fp32 | 3 |", "results: ");
    assertThat(outcome.err()).hasLineCount(1).containsIgnoringCase("file name too long");
  }
}

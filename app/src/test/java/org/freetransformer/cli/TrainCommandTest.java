package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.freetransformer.run.MetricsFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {
  @TempDir private Path folder;

  private static byte[] weights(Path run, int step) throws IOException {
    return Files.readAllBytes(run.resolve("checkpoints/step-" + step + "/model.safetensors"));
  }

  @Test
  void theRunFolderTellsTheWholeStory() throws IOException {
    JsonNode result = TinyRun.train(folder, "--json", "--threads", "1").json();
    Path run = folder.resolve("run");
    assertThat(result.path("steps").asInt()).isEqualTo(4);
    assertThat(result.path("tokens").asInt()).isEqualTo(4 * 4 * 64);
    double bound = result.path("reconstruction").asDouble() + result.path("kl").asDouble();
    assertThat(result.path("nll_bound").asDouble()).isEqualTo(bound);
    assertThat(Path.of(result.path("checkpoint").asText())).isDirectory();
    assertThat(result.path("peak_bytes").asLong()).isPositive();
    assertThat(result.path("tokens_per_second").asDouble()).isPositive();

    List<JsonNode> metrics = MetricsFile.read(run.resolve("metrics.jsonl"));
    assertThat(metrics).extracting(line -> line.path("step").asInt()).containsExactly(1, 2, 3, 4);
    assertThat(metrics.getLast().path("kl_per_bit")).hasSize(4);
    assertThat(metrics.getLast().fieldNames())
        .toIterable()
        .contains("loss", "reconstruction", "kl", "lr", "grad_norm", "tokens_per_second", "time");
    List<JsonNode> evaluations = MetricsFile.read(run.resolve("evaluations.jsonl"));
    assertThat(evaluations).hasSize(2);
    assertThat(evaluations.getLast().path("plan_entropy_used").asDouble()).isBetween(0.0, 1.0);
    assertThat(evaluations.getLast().path("bits"))
        .hasSize(4)
        .allSatisfy(bit ->
            assertThat(bit.fieldNames())
                .toIterable()
                .containsExactly("entropy", "kl", "mi_position", "mi_token", "mi_text"));
    JsonNode environment =
        new ObjectMapper().readTree(Files.readString(run.resolve("environment.json")));
    assertThat(environment.path("cpu").asText()).isNotEmpty();
    assertThat(environment.path("command").path(0).asText()).isEqualTo("train");
    assertThat(run.resolve("config.yaml")).content().contains("kappa_free_bits");
    assertThat(ImageIO.read(run.resolve("plots/training.png").toFile()).getWidth()).isEqualTo(1200);
    assertThat(ImageIO.read(run.resolve("plots/kl-per-bit.png").toFile())).isNotNull();
  }

  @Test
  void aResumedRunIsTheRunThatNeverStopped() throws IOException {
    Path whole = TinyRun.trained(Files.createDirectory(folder.resolve("whole")));
    Path halves = TinyRun.trained(folder, "--set", "training.keep_last=1");
    deleteSteps(halves, whole);
    assertThat(ft("train", "--resume", "--out", halves, "--quiet").code()).isZero();
    assertThat(weights(halves, 4)).isEqualTo(weights(whole, 4));
    assertThat(MetricsFile.read(halves.resolve("metrics.jsonl")))
        .extracting(line -> line.path("step").asInt())
        .containsExactly(1, 2, 3, 4);
  }

  /** Puts a run back to its second step, as a crash would leave it. */
  private static void deleteSteps(Path run, Path whole) throws IOException {
    Path second = Files.createDirectory(run.resolve("checkpoints/step-2"));
    try (Stream<Path> files = Files.list(run.resolve("checkpoints/step-4"))) {
      for (Path file : files.toList()) {
        Path name = file.getFileName();
        Files.delete(file);
        Files.copy(whole.resolve("checkpoints/step-2").resolve(name), second.resolve(name));
      }
    }
    Files.delete(run.resolve("checkpoints/step-4"));
  }

  @Test
  void resultsAreThoseOfOneThread() throws IOException {
    Path one = TinyRun.trained(Files.createDirectory(folder.resolve("1")), "--threads", "1");
    Path two = TinyRun.trained(Files.createDirectory(folder.resolve("2")), "--threads", "2");
    assertThat(weights(one, 4)).isEqualTo(weights(two, 4));
  }

  @Test
  void aFinishedRunHasNothingLeftToDo() throws IOException {
    Path run = TinyRun.trained(folder);
    JsonNode result = ft("train", "--resume", "--out", run, "--json").json();
    assertThat(result.path("steps").asInt()).isEqualTo(4);
    assertThat(result.path("checkpoint").isNull()).isTrue();
  }

  @Test
  void quietMeansQuiet() throws IOException {
    assertThat(TinyRun.train(folder, "--quiet").err()).isEmpty();
  }

  @Test
  void wrongUseIsRefusedBeforeAnythingIsDone() throws IOException {
    Path run = folder.resolve("run");
    TinyRun.train(folder, "--set", "training.max_step=3")
        .refused("did you mean training.max_steps");
    TinyRun.train(folder, "--set", "model.max_seq_len=64").refused("max_seq_len", "nearest is 65");
    TinyRun.train(folder, "--set", "data.dataset_name=plan-leters").refused("plan-letters");
    TinyRun.train(folder, "--threads", "0").refused("--threads", "nearest is 1");
    TinyRun.train(folder, "--device", "cpuu").refused("--device", "nearest is cpu");
    assertThat(run.resolve("checkpoints")).doesNotExist();
    ft("train", "--resume", "--out", folder.resolve("rum")).refused("no such run folder");
    ft("train", "--resume", "--out", folder).refused("not a run folder");
    ft("train", "--resume").refused("--out");
  }

  @Test
  void aRunIsNotOverwritten() throws IOException {
    TinyRun.trained(folder);
    TinyRun.train(folder).refused("holds a run already", "--resume");
  }

  @Test
  void aFolderThatCannotBeMadeIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("a-file"), "");
    ft("train", "--config", TinyRun.config(folder), "--out", file.resolve("run"))
        .refused("a-file", "cannot be written");
  }
}

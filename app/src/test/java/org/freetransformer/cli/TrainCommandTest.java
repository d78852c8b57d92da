package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.run.FileTree;
import org.freetransformer.run.FolderLock;
import org.freetransformer.run.MetricsFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {
  @TempDir private static Path shared;

  /** A finished run that no test changes, and what was told at its end. */
  private static Path finished;

  private static JsonNode told;

  @TempDir private Path folder;

  @BeforeAll
  static void train() throws IOException {
    told = TinyRun.train(shared, "--json").json();
    finished = shared.resolve("run");
  }

  /** The finished run, in {@code folder/run}. */
  private Path copied() throws IOException {
    return FileTree.copy(finished, folder.resolve("run"));
  }

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
    Path halves = copied();
    TinyRun.deleteStep(halves, 4);
    Outcome resumed = ft("train", "--resume", "--out", halves);
    assertThat(resumed.code()).isZero();
    assertThat(resumed.err()).contains("going on after step 2");
    for (String file : List.of("model", "optimizer", "parts")) {
      String name = "checkpoints/step-4/" + file + ".safetensors";
      assertThat(halves.resolve(name)).hasSameBinaryContentAs(finished.resolve(name));
    }
    assertThat(measured(halves.resolve("metrics.jsonl")))
        .isEqualTo(measured(finished.resolve("metrics.jsonl")))
        .hasSize(4);
    assertThat(measured(halves.resolve("evaluations.jsonl")))
        .isEqualTo(measured(finished.resolve("evaluations.jsonl")))
        .hasSize(2);
    for (String name : List.of("step-2.txt", "step-2.json", "step-4.txt", "step-4.json")) {
      assertThat(halves.resolve("samples").resolve(name))
          .hasSameBinaryContentAs(finished.resolve("samples").resolve(name));
    }
  }

  /** What it took from the last line to the save would be lost, and the next lines look fast. */
  @Test
  void timeGoesOnFromTheStepThatWasSaved() throws IOException {
    Path run = TinyRun.trained(folder, "--set", "training.log_every=100");
    List<JsonNode> before = MetricsFile.read(run.resolve("metrics.jsonl"));
    assertThat(before).extracting(line -> line.path("step").asInt()).containsExactly(1, 2, 4);
    TinyRun.deleteStep(run, 4);
    assertThat(ft("train", "--resume", "--out", run).code()).isZero();
    List<JsonNode> after = MetricsFile.read(run.resolve("metrics.jsonl"));
    assertThat(after).hasSize(3).startsWith(before.get(0), before.get(1));
    assertThat(time(after.get(2))).isGreaterThan(time(before.get(1)));
  }

  private static double time(JsonNode line) {
    return line.path("time").asDouble();
  }

  @Test
  void aFinishedRunThatIsResumedTellsWhatItToldBefore() throws IOException {
    Path run = copied();
    JsonNode after = ft("train", "--resume", "--out", run, "--json").json();
    for (String key : List.of("steps", "tokens", "loss", "reconstruction", "kl", "nll_bound")) {
      assertThat(after.path(key)).as(key).isEqualTo(told.path(key));
    }
    assertThat(run.relativize(Path.of(after.path("checkpoint").asText())))
        .isEqualTo(finished.relativize(Path.of(told.path("checkpoint").asText())));
    assertThat(after.path("peak_bytes").asLong()).isPositive();
    assertThat(after.path("tokens_per_second").isNumber()).isTrue();
  }

  /** The lines of a metrics file without what the clock says. */
  private static List<JsonNode> measured(Path file) throws IOException {
    return MetricsFile.read(file).stream()
        .<JsonNode>map(
            line -> ((ObjectNode) line).deepCopy().without(List.of("time", "tokens_per_second")))
        .toList();
  }

  @Test
  void aDamagedCheckpointIsPassedOverAndSetAside() throws IOException {
    Path run = copied();
    Path damaged = run.resolve("checkpoints/step-4/optimizer.safetensors");
    byte[] bytes = Files.readAllBytes(damaged);
    bytes[bytes.length - 1] ^= 1;
    Files.write(damaged, bytes);
    Outcome resumed = ft("train", "--resume", "--out", run);
    assertThat(resumed.code()).isZero();
    assertThat(resumed.err())
        .contains("step-4/optimizer.safetensors: is damaged", "step-2 instead", "after step 2")
        .contains("kept as " + run.resolve("checkpoints/step-4.damaged"));
    assertThat(weights(run, 4)).isEqualTo(weights(finished, 4));
    assertThat(run.resolve("checkpoints/step-4.damaged")).isDirectory();
    assertThat(MetricsFile.read(run.resolve("metrics.jsonl"))).hasSize(4);
  }

  @Test
  void aRunGoesOnOnlyAsItBegan() throws IOException {
    Path run = copied();
    ft("train", "--resume", "--out", run, "--set", "training.learning_rate=0.1", "--seed", 9)
        .refused("learning_rate was 0.003 and is now 0.1", "training.seed was 3 and is now 9");
    Path edited = run.resolve("config.yaml");
    String original = Files.readString(edited);
    Files.writeString(edited, original.replace("num_heads: 2", "num_heads: 4"));
    ft("train", "--resume", "--out", run).refused("model.num_heads was 2 and is now 4");
    Files.writeString(edited, original);
    JsonNode longer =
        ft("train", "--resume", "--out", run, "--set", "training.max_steps=5", "--json").json();
    assertThat(longer.path("steps").asInt()).isEqualTo(5);
    assertThat(MetricsFile.read(run.resolve("metrics.jsonl")))
        .extracting(line -> line.path("step").asInt())
        .containsExactly(1, 2, 3, 4, 5);
  }

  @Test
  void aFolderInUseIsRefused() throws IOException {
    Path run = copied();
    Path demo = folder.resolve("demo");
    try (FolderLock _ = FolderLock.take(run, _ -> {});
        FolderLock _ = FolderLock.take(demo, _ -> {})) {
      ft("train", "--resume", "--out", run).refused("is in use by this process");
      TinyRun.train(folder).refused("is in use by this process");
      ft("demo", "--quick", "--out", demo).refused("is in use by this process");
    }
    assertThat(ft("train", "--resume", "--out", run).code()).isZero();
  }

  /** Made by the first version that had checkpoints; see its state.json. */
  @Test
  void aRunOfTheFirstFormatGoesOn() throws IOException {
    Path old = Path.of("src/test/resources/run-of-format-1");
    Path run = folder.resolve("run");
    for (String name :
        List.of(
            "config.yaml",
            "metrics.jsonl",
            "evaluations.jsonl",
            "checkpoints/step-2/model.safetensors",
            "checkpoints/step-2/optimizer.safetensors",
            "checkpoints/step-2/state.json")) {
      Files.createDirectories(run.resolve(name).getParent());
      Files.copy(old.resolve(name), run.resolve(name));
    }
    assertThat(ft("inspect", run, "--json").json().path("step").asInt()).isEqualTo(2);
    ft("train", "--resume", "--out", run, "--set", "training.seed=8").refused("training.seed");
    Outcome resumed = ft("train", "--resume", "--out", run, "--json");
    assertThat(resumed.json().path("steps").asInt()).isEqualTo(4);
    assertThat(resumed.err()).contains("going on after step 2");
    assertThat(MetricsFile.read(run.resolve("metrics.jsonl")))
        .extracting(line -> line.path("step").asInt())
        .containsExactly(1, 2, 3, 4);
    assertThat(run.resolve("checkpoints/step-4/SHA256SUMS")).exists();
    Path state = run.resolve("checkpoints/step-4/state.json");
    String newer = Files.readString(state).replace("\"format_version\":2", "\"format_version\":3");
    Files.writeString(state, newer);
    ft("inspect", run.resolve("checkpoints/step-4"))
        .refused("format_version: 3 is newer than this program, which reads 1 to 2");
  }

  @Test
  void resultsAreThoseOfOneThread() throws IOException {
    Path one = TinyRun.trained(Files.createDirectory(folder.resolve("1")), "--threads", "1");
    Path two = TinyRun.trained(Files.createDirectory(folder.resolve("2")), "--threads", "2");
    assertThat(weights(one, 4)).isEqualTo(weights(two, 4));
  }

  @Test
  void verboseTellsWhatComputes() throws IOException {
    assertThat(TinyRun.train(folder, "--verbose").err()).contains("on cpu-", "-bit vectors");
  }

  @Test
  void quietMeansQuiet() throws IOException {
    Outcome outcome = TinyRun.train(folder, "--quiet", "--set=training.batch_size=1");
    assertThat(outcome.err()).isEmpty();
    // Of sixteen batches; there are twenty sequences.
    assertThat(outcome.out()).contains("on the first 1,024 held-out tokens; ft eval --run ");
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
    ft("train", "--config", TinyRun.config(folder), "--out", "").refused("--out", "empty");
    ft("inspect", "").refused("PATH", "empty");
  }

  @Test
  void aRunIsNotOverwritten() throws IOException {
    TinyRun.train(shared).refused("holds a run already", "--resume");
  }

  /** A new run's checkpoints would be older than those, and removed for them. */
  @Test
  void aRunDoesNotBeginAmongCheckpointsOfAnother() throws IOException {
    Path run = copied();
    Files.delete(run.resolve("config.yaml"));
    TinyRun.train(folder)
        .refused("checkpoints: holds checkpoints", "no config.yaml", "delete them");
    TinyRun.train(folder, "--init", finished.toString()).refused("holds checkpoints");
    // As it is left where --init is killed before config.yaml is there.
    TinyRun.deleteStep(run, 4);
    Files.move(run.resolve("checkpoints/step-2"), run.resolve("checkpoints/step-0"));
    TinyRun.train(folder).refused("holds checkpoints");
    Outcome again = TinyRun.train(folder, "--init", finished.toString());
    assertThat(again.code()).as(again.err()).isZero();
  }

  private static Outcome with(Object[] words, Object... more) {
    return ft(Stream.concat(Arrays.stream(words), Arrays.stream(more)).toArray());
  }

  @Test
  void aFolderThatCannotBeMadeIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("a-file"), "");
    ft("train", "--config", TinyRun.config(folder), "--out", file.resolve("run"))
        .refused("a-file", "cannot be written");
  }

  /** Tokens of much text take hours. */
  @Test
  void noTokensAreMadeForAFolderThatIsRefused() throws IOException {
    Path text = Files.writeString(folder.resolve("a.txt"), "To be, or not to be. ".repeat(50));
    Path run = TinyRun.trainedOnBytes(folder, text);
    Path cache = folder.resolve("fresh");
    Object[] words = {
      "train",
      "--config",
      run.resolve("config.yaml"),
      "--set=data.cache_dir=" + cache,
      "--quiet",
      "--out"
    };
    with(words, run).refused(run + ": holds a run already");
    with(words, run, "--ranks", 2).refused(run + ": holds a run already");
    with(words, folder.resolve("cache"), "--resume").refused("is not a run folder");
    with(words, text.resolve("run")).refused(text + "/run: cannot be written", "not a folder");
    try (FolderLock _ = FolderLock.take(run, _ -> {})) {
      with(words, run, "--resume").refused(run + ": is in use by this process");
    }
    assertThat(cache).doesNotExist();
  }

  /** Decay by a factor of 1 − 1·100 at each step lets weights overflow before the twentieth. */
  @Test
  void aRunThatOverflowsSaysWhereAndLeavesItsCheckpoints() throws IOException {
    CommandLineTester.Outcome outcome =
        TinyRun.train(
            folder,
            "--quiet",
            "--set=training.max_steps=40",
            "--set=training.lr_schedule=constant",
            "--set=training.learning_rate=1",
            "--set=training.weight_decay=100");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err().lines().toList())
        .singleElement()
        .asString()
        .contains("is not finite", "first to go wrong: ", ".weight", "checkpoint is as it was");
    Path checkpoints = folder.resolve("run/checkpoints");
    try (var saved = Files.list(checkpoints)) {
      assertThat(saved).isNotEmpty();
    }
    assertThat(ft("eval", "--run", folder.resolve("run"), "--json").code()).isZero();
  }

  @Test
  void dataOfDeadBitsAndUpdatesStandInTheMetrics() throws IOException {
    Path run =
        TinyRun.trained(
            folder, "--set=training.dead_bit_steps=3", "--set=training.dead_bit_kl=0.69");
    List<JsonNode> metrics = MetricsFile.read(run.resolve("metrics.jsonl"));
    assertThat(metrics.get(2).path("redrawn_bits")).hasSize(4);
    assertThat(metrics.get(1).path("redrawn_bits").isMissingNode()).isTrue();
    assertThat(metrics.get(3).path("update_ratio").path("encoder").asDouble()).isPositive();
    assertThat(metrics.get(3).path("kappa").asDouble()).isEqualTo(0.3466);
  }
}

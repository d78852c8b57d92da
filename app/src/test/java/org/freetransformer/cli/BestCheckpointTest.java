package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that gets worse: its best checkpoint is not its newest. */
class BestCheckpointTest {
  @TempDir private Path folder;

  private Path runThatGetsWorse() throws IOException {
    return TinyRun.trained(
        folder,
        "--set",
        "training.learning_rate=0.5",
        "--set",
        "training.warmup_steps=4",
        "--set",
        "training.eval_every=1",
        "--set",
        "training.save_every=4",
        "--set",
        "training.keep_last=1");
  }

  @Test
  void isKeptListedAndChosen() throws IOException {
    Path run = runThatGetsWorse();
    String listed = ft("inspect", run).out();
    List<JsonNode> checkpoints =
        StreamSupport.stream(
                ft("inspect", run, "--json").json().path("checkpoints").spliterator(), false)
            .toList();
    assertThat(checkpoints).hasSize(2);
    JsonNode best = checkpoints.getFirst();
    JsonNode last = checkpoints.getLast();
    assertThat(last.path("step").asInt()).isEqualTo(4);
    assertThat(last.path("best").asBoolean()).isFalse();
    assertThat(best.path("best").asBoolean()).isTrue();
    assertThat(best.path("nll_bound").asDouble()).isLessThan(last.path("nll_bound").asDouble());
    assertThat(best.path("problem").isNull()).isTrue();
    assertThat(listed)
        .containsPattern("step-2 +as saved, by its checksums, held-out bound .*, the best")
        .containsPattern("step-4 +as saved, by its checksums, held-out bound [0-9.]+\\R");

    Path bestFolder = Path.of(best.path("path").asText());
    assertThat(Files.isSameFile(run.resolve("checkpoints/best"), bestFolder)).isTrue();
    JsonNode chosen = ft("eval", "--run", run, "--best", "--json").json();
    assertThat(chosen).isEqualTo(ft("eval", "--checkpoint", bestFolder, "--json").json());
    assertThat(chosen).isNotEqualTo(ft("eval", "--run", run, "--json").json());
    assertThat(ft("generate", "--run", run, "--best", "--prompt", "K>").code()).isZero();
    Object[] plans = {"plans", "--examples", 4, "--json", "--out", folder.resolve("plots")};
    assertThat(ft(plans, "--run", run, "--best").json())
        .isEqualTo(ft(plans, "--checkpoint", bestFolder).json())
        .isNotEqualTo(ft(plans, "--run", run).json());
    ft("eval", "--checkpoint", bestFolder, "--best").refused("not a run folder");
  }

  /** Steps of next to nothing change no weight. */
  @Test
  void ofEquallyGoodOnesItIsTheNewest() throws IOException {
    Path run = TinyRun.trained(folder, "--set", "training.learning_rate=1e-30");
    JsonNode checkpoints = ft("inspect", run, "--json").json().path("checkpoints");
    assertThat(checkpoints).hasSize(2);
    assertThat(checkpoints.path(0).path("nll_bound"))
        .isEqualTo(checkpoints.path(1).path("nll_bound"));
    assertThat(checkpoints.findValuesAsText("best")).containsExactly("false", "true");
    assertThat(ft("inspect", run).out()).containsOnlyOnce(", the best");
    assertThat(run.resolve("checkpoints/best").toRealPath()).endsWith(Path.of("step-4"));
  }

  @Test
  void damageIsListed() throws IOException {
    Path run = TinyRun.trained(folder);
    Path parts = run.resolve("checkpoints/step-4/parts.safetensors");
    Files.delete(parts);
    assertThat(ft("inspect", run).out())
        .contains("step-4         DAMAGED: " + parts + ": is missing");
    JsonNode checkpoints = ft("inspect", run, "--json").json().path("checkpoints");
    assertThat(checkpoints.path(1).path("problem").asText()).contains("is missing");
    ft("inspect", run.resolve("checkpoints/step-4")).refused("parts.safetensors: is missing");
  }

  @Test
  void aRunThatWasNeverEvaluatedHasNone() throws IOException {
    Path run = TinyRun.trained(folder, "--set", "training.max_steps=2");
    TinyRun.deleteStep(run, 2);
    ft("eval", "--run", run, "--best").refused("no checkpoint of an evaluated step");
  }
}

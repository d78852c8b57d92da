package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.run.FileTree;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole demonstration with models that learn next to nothing. */
class DemoCommandTest {
  @TempDir private Path folder;

  private Outcome demo(String... more) {
    List<Object> words = new ArrayList<>(List.of("demo", "--out", folder.resolve("demo")));
    for (String change :
        List.of(
            "model.hidden_dim=16",
            "model.ffn_hidden_dim=32",
            "model.num_heads=2",
            "training.max_steps=2",
            "training.batch_size=4",
            "data.num_val_samples=50")) {
      words.addAll(List.of("--set", change));
    }
    words.addAll(List.of(more));
    return ft(words.toArray());
  }

  @Test
  void showsFiveModelsAndLeavesResultsPicturesAndADocument() throws IOException {
    Path report = folder.resolve("docs/plan-letters.md");
    JsonNode result = demo("--json", "--report", report.toString(), "--threads", "1").json();
    assertThat(result.path("models").findValuesAsText("name"))
        .containsExactly("baseline", "kappa-ln2-64", "kappa-ln2-8", "kappa-ln2", "kappa-8-ln2");
    JsonNode small = result.at("/models/2");
    assertThat(small.path("samples_shared_plan")).hasSize(8);
    assertThat(small.at("/samples_plan_each/0").asText()).hasSize(64);
    assertThat(small.path("kappa").asDouble()).isEqualTo(Math.log(2) / 8);
    assertThat(small.path("nll_bound").asDouble()).isPositive();
    for (JsonNode model : result.path("models")) {
      assertThat(model.path("steps").asInt()).isEqualTo(2);
      assertThat(model.path("tokens").asInt()).isEqualTo(50 * 64); // What was evaluated.
      assertThat(model.path("trained_tokens").asInt()).isEqualTo(2 * 4 * 64);
      assertThat(model.path("loss").asDouble()).isPositive();
      assertThat(model.path("tokens_per_second").asDouble()).isPositive();
      assertThat(model.path("peak_bytes").asLong()).isPositive();
      assertThat(Path.of(model.path("checkpoint").asText(), "model.safetensors")).exists();
    }
    assertThat(result.path("findings")).hasSize(3);
    assertThat(result.path("source_entropy").asDouble()).isBetween(0.29, 0.3);

    Path out = folder.resolve("demo");
    JsonNode written = new ObjectMapper().readTree(Files.readString(out.resolve("results.json")));
    assertThat(written.path("models")).isEqualTo(result.path("models"));
    assertThat(ImageIO.read(out.resolve("plans.png").toFile()).getWidth()).isGreaterThan(1500);
    assertThat(ImageIO.read(out.resolve("bounds.png").toFile())).isNotNull();
    assertThat(out.resolve("kappa-ln2/samples/samples.txt")).isNotEmptyFile();
    assertThat(report)
        .content()
        .contains("./ft demo", "| baseline |", "| κ = 8·ln2 |", "plan-letters-plans.png")
        .contains(result.at("/findings/0").asText())
        .contains(" processors, Java ", "-bit vectors, 1 thread.");
    assertThat(report.resolveSibling("plan-letters-plans.png")).exists();
  }

  @Test
  void theQuickOneEndsWithTwoSentencesAndASecondOneNeedsAnotherFolder() {
    Outcome outcome = demo("--quick", "--quiet");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).contains("a plan each", "one shared plan", "KKKK".substring(0, 1));
    assertThat(outcome.out().lines().toList().reversed().get(1)).startsWith("After 2 steps");
    demo("--quick").refused("holds the results of ft demo already");
  }

  /** It took minutes, and cannot be given again: results.json is there. */
  @Test
  void whatItShowsIsNotLostToADocumentThatCannotBeWritten() {
    Outcome outcome = demo("--quick", "--quiet", "--report", folder + "/" + "long".repeat(100));
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.out()).contains("results: ", "After 2 steps");
    assertThat(outcome.err()).hasLineCount(1).containsIgnoringCase("file name too long");
  }

  @Test
  void fewerHeldOutSequencesThanAnEvaluationsBatchWillDo() {
    JsonNode result = demo("--quick", "--json", "--set", "data.num_val_samples=20").json();
    assertThat(result.at("/models/0/tokens").asInt()).isEqualTo(20 * 64);
  }

  @Test
  void goesOnWhereItWasStopped() throws IOException {
    JsonNode whole = demo("--json").json();
    Path out = folder.resolve("demo");
    Path first = out.resolve("baseline/checkpoints/step-2/model.safetensors");
    FileTime time = Files.getLastModifiedTime(first);
    // As Ctrl-C in the second model leaves it.
    Files.delete(out.resolve("results.json"));
    FileTree.delete(out.resolve("kappa-ln2-64/checkpoints/step-2"));
    for (String later : List.of("kappa-ln2-8", "kappa-ln2", "kappa-8-ln2")) {
      FileTree.delete(out.resolve(later));
    }
    demo("--set", "training.max_steps=3").refused("another configuration", "baseline");
    assertThat(out.resolve("kappa-ln2")).doesNotExist();
    JsonNode again = demo("--json").json();
    assertThat(again.path("models").findValues("nll_bound"))
        .isEqualTo(whole.path("models").findValues("nll_bound"));
    assertThat(again.at("/models/0/seconds").asDouble()).isPositive();
    for (String key : List.of("loss", "trained_tokens", "checkpoint")) {
      assertThat(again.path("models").findValues(key))
          .as(key)
          .hasSize(5)
          .isEqualTo(whole.path("models").findValues(key));
    }
    assertThat(again.at("/models/0/tokens_per_second").asDouble()).isPositive();
    assertThat(Files.getLastModifiedTime(first)).isEqualTo(time);
  }

  @Test
  void aWrongChangeIsRefusedBeforeAnythingIsMade() {
    demo("--set", "model.hiden_dim=8").refused("--set model.hiden_dim=8", "model.hidden_dim");
    assertThat(folder.resolve("demo")).doesNotExist();
  }
}

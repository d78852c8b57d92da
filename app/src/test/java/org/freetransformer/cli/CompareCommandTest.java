package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.run.FileTree;
import org.freetransformer.run.MetricsFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompareCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  private Outcome compare(int seeds, int samples, Object... more) throws IOException {
    List<Object> words = new ArrayList<>(List.of("compare", "--config", TinyRun.config(folder)));
    words.addAll(List.of("--out", folder.resolve("out"), "--seeds", seeds, "--samples", samples));
    words.addAll(Arrays.asList(more));
    return ft(words.toArray());
  }

  @Test
  void comparesBoundsOfThreeModelsAndGoesOnWhereItStopped() throws IOException {
    JsonNode result = compare(2, 2, "--json").json();
    Path out = folder.resolve("out");
    JsonNode file = JSON.readTree(Files.readString(out.resolve("results.json")));
    assertThat(result.path("models")).isEqualTo(file.path("models"));
    assertThat(file.path("models").findValuesAsText("name"))
        .containsExactly("Free Transformer", "baseline", "baseline + 1 layer");
    for (JsonNode model : file.path("models")) {
      JsonNode bound = model.path("nll_bound");
      assertThat(model.path("seeds")).hasSize(2);
      double first = model.at("/seeds/0/evaluation/nll_bound").asDouble();
      double second = model.at("/seeds/1/evaluation/nll_bound").asDouble();
      assertThat(first).as("seeds differ").isNotEqualTo(second);
      assertThat(bound.path("mean").asDouble()).isCloseTo((first + second) / 2, within(1e-12));
      assertThat(bound.path("min").asDouble()).isEqualTo(Math.min(first, second));
      assertThat(bound.path("max").asDouble()).isEqualTo(Math.max(first, second));
      assertThat(model.path("tokens_per_second").asDouble()).isPositive();
      assertThat(model.path("peak_bytes").asLong()).isPositive();
      assertThat(model.has("nll_iw")).isEqualTo(model.path("kind").asText().equals("free"));
    }
    requireSavedNumbers(file, out);
    assertThat(ImageIO.read(out.resolve("compare.png").toFile()).getWidth()).isEqualTo(1200);
    assertThat(ImageIO.read(out.resolve("compare-training.png").toFile())).isNotNull();
    assertThat(out.resolve("results.md"))
        .content()
        .contains("| Free Transformer |", "compare the bounds, not this", "Parameters: ");
    goesOn(file, out);
  }

  /** Every number can be had again: of the parameters from the checkpoint, of the rest by eval. */
  private void requireSavedNumbers(JsonNode results, Path out) {
    for (JsonNode model : results.path("models")) {
      String name = model.path("name").asText().toLowerCase(Locale.ROOT).replace(" + ", "-plus-");
      Path run = out.resolve(name.equals("free transformer") ? "free" : name.replace(' ', '-'));
      JsonNode inspected = ft("inspect", run.resolve("seed-4"), "--json").json();
      assertThat(inspected.path("parameters")).isEqualTo(model.path("parameters"));
      JsonNode evaluated =
          ft("eval", "--run", run.resolve("seed-4"), "--samples", 2, "--seed", 4, "--json").json();
      assertThat(evaluated.path("nll_bound").asDouble())
          .isCloseTo(model.at("/seeds/1/evaluation/nll_bound").asDouble(), within(1e-6));
    }
  }

  /**
   * One run as a kill leaves it: saved after step 2, and no result. The others stay as they are.
   */
  private void goesOn(JsonNode before, Path out) throws IOException {
    Path broken = out.resolve("baseline/seed-4");
    Files.delete(broken.resolve("result.json"));
    FileTree.delete(broken.resolve("checkpoints/step-4"));
    Path untouched = out.resolve("free/seed-3/metrics.jsonl");
    FileTime time = Files.getLastModifiedTime(untouched);
    Outcome again = compare(2, 2, "--json");
    assertThat(again.err()).contains("Free Transformer, seed 3: finished before");
    assertThat(again.err()).doesNotContain("baseline, seed 4: finished before");
    JsonNode after = again.json();
    for (int i = 0; i < 3; i++) {
      for (String key : List.of("nll_bound", "parameters")) {
        assertThat(after.at("/models/" + i).path(key))
            .isEqualTo(before.at("/models/" + i).path(key));
      }
    }
    assertThat(Files.getLastModifiedTime(untouched)).isEqualTo(time);
    assertThat(MetricsFile.read(broken.resolve("metrics.jsonl")))
        .extracting(line -> line.path("step").asInt())
        .containsExactly(1, 2, 3, 4);
    compare(2, 2, "--set", "training.max_steps=5").refused("another configuration", "seed-3");
    JsonNode moreSamples = compare(2, 3, "--json").json();
    assertThat(moreSamples.at("/models/0/seeds/0/samples").asInt()).isEqualTo(3);
    assertThat(Files.getLastModifiedTime(untouched))
        .as("evaluated anew, not trained")
        .isEqualTo(time);
  }

  @Test
  void refusesWhatCannotBeCompared() throws IOException {
    compare(2, 2, "--set", "model.kind=baseline").refused("model.kind", "free");
    compare(0, 2).refused("--seeds", "nearest is 1");
    ft("compare", "--config", TinyRun.config(folder)).refused("--out");
    assertThat(folder.resolve("out")).doesNotExist();
  }
}

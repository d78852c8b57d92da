package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What weights in fewer bits cost. */
class EvaluatedWeightsTest {
  @TempDir private static Path folder;
  private static Path run;

  @BeforeAll
  static void train() throws IOException {
    run = TinyRun.trained(folder);
  }

  @Test
  void evalMeasuresThem() {
    JsonNode full = ft("eval", "--run", run, "--json").json();
    assertThat(full.path("weights").asText()).isEqualTo("f32");
    assertThat(ft("eval", "--run", run, "--json", "--weights", "f32").json()).isEqualTo(full);
    for (String type : List.of("bf16", "int8")) {
      JsonNode rounded = ft("eval", "--run", run, "--json", "--weights", type).json();
      assertThat(rounded.path("weights").asText()).isEqualTo(type);
      assertThat(rounded.path("tokens")).isEqualTo(full.path("tokens"));
      assertThat(rounded.path("nll_bound").asDouble())
          .isNotEqualTo(full.path("nll_bound").asDouble())
          .isCloseTo(full.path("nll_bound").asDouble(), within(0.05));
    }
    ft("eval", "--run", run, "--weights", "int4").refused("--weights", "int4");
  }

  @Test
  void plansAreAnalysedWithThem() {
    Object[] words = {"plans", "--run", run, "--json", "--out", folder, "--weights"};
    JsonNode full = ft(words, "f32").json();
    JsonNode rounded = ft(words, "int8").json();
    assertThat(rounded.path("weights").asText()).isEqualTo("int8");
    assertThat(rounded.path("bits")).hasSize(4).isNotEqualTo(full.path("bits"));
  }
}

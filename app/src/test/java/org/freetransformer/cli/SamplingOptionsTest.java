package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** generate's choice of tokens: every option reaches what it is for. */
class SamplingOptionsTest {
  @TempDir private static Path folder;
  private static Path run;

  @BeforeAll
  static void train() throws IOException {
    run = TinyRun.trained(folder);
  }

  private static Object[] generate(Object... more) {
    Object[] words = {"generate", "--run", run, "--prompt", "K>", "--seed", 5, "--json"};
    return CommandLineTester.joined(words, more);
  }

  private static JsonNode tokens(Object... more) {
    return ft(generate(more)).json().at("/samples/0/tokens");
  }

  /** Each leaves nothing but the likeliest token. */
  @ParameterizedTest
  @CsvSource({"--top-k, 1", "--top-p, 1e-9", "--min-p, 0.9999"})
  void atItsEndItTakesTheLikeliestToken(String option, String value) {
    JsonNode likeliest = tokens("--temperature", 0);
    assertThat(tokens(option, value)).isEqualTo(likeliest);
    assertThat(tokens()).isNotEqualTo(likeliest);
  }

  /** At their other ends they change nothing, each by a scale of its own. */
  @Test
  void atTheirOtherEndsTheyChangeNothing() {
    assertThat(tokens("--top-k", 29, "--top-p", 1, "--min-p", 0)).isEqualTo(tokens());
    assertThat(tokens("--top-k", 2)).isNotEqualTo(tokens());
    assertThat(tokens("--top-p", 0.2)).isNotEqualTo(tokens());
    assertThat(tokens("--min-p", 0.9)).isNotEqualTo(tokens());
  }

  @ParameterizedTest
  @CsvSource({
    "--top-k, -1",
    "--top-p, 0",
    "--top-p, 1.5",
    "--min-p, 1",
    "--min-p, -0.1",
    "--temperature, -1",
    "--repetition-penalty, 0"
  })
  void outOfRangeItIsRefusedByItsName(String option, String value) {
    ft(generate(option, value)).refused(option + ": ");
  }
}

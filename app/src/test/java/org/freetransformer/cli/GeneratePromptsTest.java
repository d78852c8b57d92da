package org.freetransformer.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;
import static org.freetransformer.cli.CommandLineTester.joined;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** generate with several prompts, and with plans that have a seed of their own. */
class GeneratePromptsTest {
  @TempDir private static Path shared;
  private static Path run;

  @TempDir private Path folder;

  @BeforeAll
  static void train() throws IOException {
    run = TinyRun.trained(shared);
  }

  private static Outcome generate(Object... more) {
    return ft(new Object[] {"generate", "--run", run}, more);
  }

  private static JsonNode sample(Object... more) {
    Object[] words = {"--prompt", "K>", "--json"};
    return generate(joined(words, more)).json().at("/samples/0");
  }

  private static Outcome withInput(String text, Object... more) {
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(text.getBytes(UTF_8)));
    try {
      return generate(more);
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void everyPromptHasItsSamples() {
    Object[] words = {"--prompt", "K>", "--prompt", "ABC>", "--n", 2, "--max-tokens", 5};
    JsonNode all = generate(joined(words, "--json")).json();
    assertThat(all.path("prompts").toString())
        .isEqualTo(
            "[{\"text\":\"K>\",\"tokens\":[10,28]},"
                + "{\"text\":\"ABC>\",\"tokens\":[0,1,2,28]}]");
    assertThat(all.path("samples").findValuesAsText("prompt")).containsExactly("0", "0", "1", "1");
    for (int i = 0; i < 4; i++) {
      JsonNode sample = all.path("samples").get(i);
      assertThat(sample.path("tokens")).hasSize(5);
      assertThat(sample.path("plan")).hasSize((i < 2 ? 2 : 4) + 5);
    }
    assertThat(all.path("samples").findValuesAsText("text")).doesNotHaveDuplicates();
    // The same texts, told apart by a line before each.
    List<String> texts = all.path("samples").findValuesAsText("text");
    assertThat(generate(words).out().lines())
        .containsExactly(
            "--- prompt 1, sample 1",
            "K>" + texts.get(0),
            "--- prompt 1, sample 2",
            "K>" + texts.get(1),
            "--- prompt 2, sample 1",
            "ABC>" + texts.get(2),
            "--- prompt 2, sample 2",
            "ABC>" + texts.get(3));
    assertThat(generate("--prompt", "K>", "--prompt", "A>").out().lines())
        .hasSize(4)
        .contains("--- prompt 1", "--- prompt 2");
  }

  /** A sample's draws depend on its number, so the first prompt's are those that it has alone. */
  @Test
  void theFirstPromptIsWrittenAsIfItWereAlone() {
    JsonNode alone = sample("--seed", 5);
    assertThat(sample("--seed", 5, "--prompt", "QQQQQ>")).isEqualTo(alone);
  }

  @Test
  void textsOfSeveralLinesAreToldApart() throws IOException {
    Path text = Files.writeString(folder.resolve("lines.txt"), "a\nb\nc\n".repeat(300));
    Path bytes = TinyRun.trainedOnBytes(folder, text);
    Object[] words = {"generate", "--run", bytes, "--prompt", "a\nb", "--max-tokens", 3};
    Outcome two = ft(words, "--n", 2);
    assertThat(two.out()).startsWith("--- sample 1\na\nb").contains("\n--- sample 2\na\nb");
    assertThat(ft(words).out()).startsWith("a\nb");
  }

  @Test
  void promptsComeFromFilesAndStandardInputToo() throws IOException {
    Path lines = Files.writeString(folder.resolve("prompts.txt"), "K>\nAB>\n");
    Path json =
        Files.writeString(
            folder.resolve("prompts.jsonl"),
            "{\"prompt\": \"K>\", \"id\": 7}\n{\"prompt\": \"AB>\"}\n");
    JsonNode wanted = generate("--prompt", "K>", "--prompt", "AB>", "--json").json();
    assertThat(generate("--prompts", lines, "--json").json()).isEqualTo(wanted);
    assertThat(generate("--prompts", json, "--json").json()).isEqualTo(wanted);
    assertThat(generate("--prompt", "K>", "--prompts", file("AB>"), "--json").json())
        .isEqualTo(wanted);
    assertThat(withInput("K>\nAB>", "--prompts", "-", "--json").json()).isEqualTo(wanted);
    assertThat(withInput("\uFEFFK>\nAB>", "--prompts", "-", "--json").json()).isEqualTo(wanted);
    Path loose = jsonLines("\uFEFF{\"prompt\": \"K>\"}\r\n\n  \r\n{\"prompt\": \"AB>\"} \n\n");
    assertThat(generate("--prompts", loose, "--json").json()).isEqualTo(wanted);
  }

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("some.txt"), text);
  }

  private Path jsonLines(String text) throws IOException {
    return Files.writeString(folder.resolve("some.jsonl"), text);
  }

  @Test
  void badPromptsAreRefusedByTheirPlace() throws IOException {
    generate().refused("--prompt: is missing", "--prompts FILE");
    generate("--prompt", "K>", "--prompt", "k>").refused("--prompt 2: 'k'", "nearest is K");
    generate("--prompts", file("K>\n\nA>\n")).refused("some.txt:2: has 0 tokens", "1 to 66");
    generate("--prompts", file("K>\n" + "K".repeat(67))).refused("some.txt:2: has 67 tokens");
    generate("--prompts", file("")).refused("some.txt: holds no prompt");
    generate("--prompts", folder.resolve("som.txt")).refused("no such file", "some.txt");
    generate("--prompts", folder).refused("is a folder");
    generate("--prompts", Files.write(folder.resolve("some.txt"), new byte[] {'K', (byte) 0xff}))
        .refused("some.txt: is not UTF-8");
    generate("--prompts", jsonLines("{\"prompt\": \"K>\"}\n{\"text\": \"K>\"}\n"))
        .refused("some.jsonl:2: holds no prompt", "{\"prompt\": \"text\"}");
    generate("--prompts", jsonLines("{\"prompt\": 1}")).refused("some.jsonl:1: holds no prompt");
    generate("--prompts", jsonLines("{\"prompt\"")).refused("some.jsonl:1: is not JSON");
    generate("--prompts", jsonLines("\n{\"prompt\": \"K>\"} {\"prompt\": \"A>\"}\n"))
        .refused("some.jsonl:2: has more text after the object");
    generate("--prompts", jsonLines("\n\n")).refused("some.jsonl: holds no prompt");
    generate("--prompts", file("K>\n".repeat(10_001))).refused("more prompts than the 10000");
    generate("--prompts", file("K>\n".repeat(101)), "--n", 100)
        .refused("--n: 101 prompts with 100 samples each are 10100", "allowed are 10000");
    withInput("", "--prompts", "-").refused("standard input: holds no prompt");
  }

  private static int[] ints(JsonNode numbers) {
    return IntStream.range(0, numbers.size()).map(i -> numbers.get(i).asInt()).toArray();
  }

  @Test
  void seedsOfTokensAndOfPlansAreApart() {
    JsonNode first = sample("--seed", 5);
    assertThat(sample("--seed", 5, "--plan-seed", 5)).isEqualTo(first);
    JsonNode otherTokens = sample("--seed", 6, "--plan-seed", 5);
    assertThat(otherTokens.path("plan")).isEqualTo(first.path("plan"));
    assertThat(otherTokens.path("tokens")).isNotEqualTo(first.path("tokens"));
    assertThat(sample("--seed", 5, "--plan-seed", 6).path("plan")).isNotEqualTo(first.path("plan"));
  }

  @Test
  void plansAreDrawnAnewFromAPosition() {
    Path saved = folder.resolve("plan.json");
    JsonNode first = sample("--seed", 9, "--save-plan", saved);
    Object[] words = {"--prompt", "K>", "--json", "--seed", 9, "--plan", saved, "--plan-seed", 4};
    JsonNode again = generate(joined(words, "--replay-until", 20)).json().at("/samples/0");
    assertThat(ints(again.path("plan"))).startsWith(Arrays.copyOf(ints(first.path("plan")), 20));
    assertThat(again.path("plan")).isNotEqualTo(first.path("plan"));
    // The token of position 20 is still chosen by plans that stayed: the 19th after the prompt.
    assertThat(ints(again.path("tokens")))
        .startsWith(Arrays.copyOf(ints(first.path("tokens")), 19));
    assertThat(generate(joined(words, "--replay-until", 66)).json().at("/samples/0"))
        .isEqualTo(first);
    assertThat(generate(joined(words, "--replay-until", 0)).json().at("/samples/0"))
        .isEqualTo(sample("--seed", 9, "--plan", "prior", "--plan-seed", 4));
    generate(joined(words, "--replay-until", 67)).refused("--replay-until: 67", "nearest is 66");
    generate("--prompt", "K>", "--replay-until", 2)
        .refused("--replay-until: needs a plan", "--save-plan");
  }

  @Test
  void aBaselineHasNoSeedOfPlans() throws IOException {
    Path baseline = TinyRun.trained(folder, "--set", "model.kind=baseline");
    ft("generate", "--run", baseline, "--prompt", "K>", "--plan-seed", 1)
        .refused("no plan", "--plan-seed");
  }
}

package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a model writes while it learns. */
class RunSamplesTest {
  @TempDir private Path folder;

  private static JsonNode samples(Path run, int step) throws IOException {
    Path file = run.resolve("samples/step-%d.json".formatted(step));
    return new ObjectMapper().readTree(Files.readString(file));
  }

  /** What generation writes, without the number of the prompt: there is one. */
  private static JsonNode generated(String option, Path model, String prompt) {
    JsonNode samples =
        ft("generate", option, model, "--prompt", prompt, "--n", 4, "--json")
            .json()
            .path("samples");
    samples.forEach(sample -> assertThat(((ObjectNode) sample).remove("prompt").asInt()).isZero());
    return samples;
  }

  /** The checkpoint is written with other code: generation's. */
  @ParameterizedTest
  @ValueSource(strings = {"model.kind=free", "model.kind=baseline", "training.ema_decay=0.5"})
  void theyAreWhatTheCheckpointOfTheirStepWrites(String setting) throws IOException {
    Path run = TinyRun.trained(folder, "--set", setting, "--set", "model.dropout=0.2");
    List<JsonNode> texts = new ArrayList<>();
    for (int step : new int[] {2, 4}) {
      JsonNode kept = samples(run, step);
      assertThat(kept.path("step").asInt()).isEqualTo(step);
      String prompt = kept.path("prompt").asText();
      assertThat(prompt).matches("[A-Z]>");
      assertThat(kept.path("prompt_tokens")).hasSize(2);
      Path checkpoint = run.resolve("checkpoints/step-" + step);
      assertThat(kept.path("samples"))
          .isEqualTo(generated("--checkpoint", checkpoint, prompt))
          .hasSize(4);
      StringBuilder read = new StringBuilder();
      kept.path("samples")
          .forEach(
              sample -> read.append(prompt + sample.path("text").asText() + "\n---------------\n"));
      assertThat(run.resolve("samples/step-%d.txt".formatted(step))).hasContent(read.toString());
      texts.add(kept.path("samples"));
    }
    assertThat(texts.getFirst()).isNotEqualTo(texts.getLast());
  }

  @Test
  void theyDoNotTouchTraining() throws IOException {
    String[] dropout = {"--set", "model.dropout=0.2"};
    Path with = TinyRun.trained(Files.createDirectory(folder.resolve("with")), dropout);
    Path without = TinyRun.trained(folder, dropout[0], dropout[1], "--set=training.samples=0");
    assertThat(without.resolve("samples")).isEmptyDirectory();
    for (String file : List.of("model", "optimizer")) {
      String name = "checkpoints/step-4/" + file + ".safetensors";
      assertThat(Files.mismatch(tensors(with.resolve(name)), tensors(without.resolve(name))))
          .as(name)
          .isEqualTo(-1);
    }
  }

  /** A file's tensors, without the header, which tells the settings. */
  private Path tensors(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int header = 8 + ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt();
    return Files.write(
        Files.createTempFile(folder, "tensors", ""),
        Arrays.copyOfRange(bytes, header, bytes.length));
  }

  @Test
  void theyGoOnFromThePromptThatIsAskedFor() throws IOException {
    Path run =
        TinyRun.trained(folder, "--set=training.sample_prompt=Q>QQ!", "--set=training.samples=2");
    JsonNode kept = samples(run, 4);
    assertThat(kept.path("prompt").asText()).isEqualTo("Q>QQ!");
    assertThat(kept.path("samples")).hasSize(2);
    assertThat(kept.at("/samples/0/tokens")).hasSize(61);
    assertThat(kept.at("/samples/0/plan")).hasSize(66);
    assertThat(ft("train", "--resume", "--out", run, "--set=training.samples=3").code()).isZero();
  }

  @Test
  void aPromptThatCannotBeIsRefusedBeforeAnythingIsDone() throws IOException {
    TinyRun.train(folder, "--set=training.sample_prompt=k>")
        .refused("training.sample_prompt", "nearest is K");
    TinyRun.train(folder, "--set=training.sample_prompt=" + "K".repeat(66))
        .refused("training.sample_prompt", "has 66 tokens", "1 to 65");
    TinyRun.train(folder, "--set=training.samples=-1").refused("training.samples", "nearest is 0");
    assertThat(folder.resolve("run")).doesNotExist();
  }

  /** A vocabulary may be rounded up: what the data never has is still drawn at first. */
  @Test
  void aTokenThatOnlyTheModelHasStandsForNoText() throws IOException {
    Path run = TinyRun.trained(folder, "--set=model.vocab_size=4096");
    JsonNode kept = samples(run, 4);
    JsonNode sample = kept.at("/samples/0");
    assertThat(sample.path("tokens")).hasSize(64);
    assertThat(sample.path("text").asText()).hasSizeLessThan(64);
    String prompt = kept.path("prompt").asText();
    assertThat(generated("--run", run, prompt)).isEqualTo(kept.path("samples"));
  }
}

package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.data.SeedSequencesWriter;
import org.freetransformer.data.Split;
import org.freetransformer.data.UniformRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models that the original repository and Hugging Face's libraries saved, at the commands. */
final class ForeignModelsTest {
  private static final Path SEED = model("seed/free.pt");
  private static final Path SEED_BASELINE = model("seed/baseline.pt");
  private static final Path LLAMA = model("llama/tied-f16");

  @TempDir private Path folder;

  private static Path model(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(ForeignModelsTest.class.getResource("/models/" + name)).toURI());
    } catch (URISyntaxException impossible) {
      throw new AssertionError(impossible);
    }
  }

  @Test
  void inspectTellsWhatTheyAre() {
    JsonNode seed = ft("inspect", SEED, "--json").json();
    assertThat(seed.path("format").asText()).isEqualTo("pytorch");
    assertThat(seed.path("step").asInt()).isEqualTo(60);
    assertThat(seed.at("/model/kind").asText()).isEqualTo("free");
    assertThat(seed.at("/model/latent/kv_norm").asBoolean(true)).isFalse();
    JsonNode llama = ft("inspect", LLAMA, "--json").json();
    assertThat(llama.path("format").asText()).isEqualTo("huggingface");
    assertThat(llama.at("/model/kind").asText()).isEqualTo("baseline");
    assertThat(ft("inspect", LLAMA).out()).contains("huggingface, 20 tensors");
  }

  @Test
  void aSeedCheckpointIsEvaluatedAndWrites() {
    JsonNode evaluation =
        ft("eval", "--checkpoint", SEED, "--deterministic", "--examples", "8", "--json").json();
    assertThat(evaluation.path("kl").asDouble()).isPositive();
    // Its data is random: nothing is worth more than ln 23 = 3.1 nats to a model that learnt more.
    assertThat(evaluation.path("reconstruction").asDouble()).isGreaterThan(3);
    JsonNode written =
        ft(
                "generate",
                "--checkpoint",
                SEED_BASELINE,
                "--prompt",
                "1 2 3",
                "--max-tokens",
                "4",
                "--json")
            .json();
    assertThat(written.at("/samples/0/tokens")).hasSize(4);
  }

  /**
   * Sequences of its own length: the checkpoint says of its data nothing but that it was random.
   */
  @Test
  void aSeedCheckpointIsEvaluatedOnTheSeedsData() throws IOException {
    Path data = Files.createDirectory(folder.resolve("data"));
    UniformRandom sequences = new UniformRandom(19, 13, 6, 4, 1);
    new SeedSequencesWriter(sequences).write(Split.VALIDATION, data.resolve("val.pt"), 1);
    Outcome outcome = ft("eval", "--checkpoint", SEED, "--data", data, "--json");
    assertThat(outcome.json().path("tokens").asInt()).isEqualTo(4 * 12);
    assertThat(outcome.err()).doesNotContain("random");
    assertThat(ft("eval", "--checkpoint", SEED, "--examples", 2).err())
        .contains("no train.pt in ./data; the data is random");

    Path empty = Files.createDirectory(folder.resolve("empty"));
    ft("eval", "--checkpoint", SEED, "--data", empty).refused("synthetic", "with val.pt", "empty");
    UniformRandom others = new UniformRandom(999, 13, 6, 4, 1);
    new SeedSequencesWriter(others).write(Split.VALIDATION, empty.resolve("val.pt"), 1);
    ft("eval", "--checkpoint", SEED, "--data", empty)
        .refused("empty/val.pt: has sequences of 13 tokens", "the model takes");
  }

  @Test
  void aLlamaGoesToSafetensorsAndBack() {
    Path ours = folder.resolve("ours.safetensors");
    Path theirs = folder.resolve("theirs");
    assertThat(ft("checkpoint", "convert", LLAMA, ours, "--json").json().path("written").asText())
        .isEqualTo(ours.toString());
    assertThat(ft("checkpoint", "convert", ours, theirs, "--dtype", "f32").code()).isZero();
    JsonNode back = ft("inspect", theirs, "--json").json();
    assertThat(back.path("model")).isEqualTo(ft("inspect", LLAMA, "--json").json().path("model"));
    assertThat(back.at("/tensors/0/dtype").asText()).isEqualTo("F32");
  }

  @Test
  void aLlamaInSeveralFilesBecomesOne() {
    Path sharded = model("llama/sharded-bf16");
    Path one = folder.resolve("one.safetensors");
    assertThat(ft("checkpoint", "consolidate", sharded, one).code()).isZero();
    JsonNode found = ft("inspect", one, "--json").json();
    JsonNode before = ft("inspect", sharded, "--json").json();
    assertThat(found.path("format").asText()).isEqualTo("safetensors");
    assertThat(found.path("model")).isEqualTo(before.path("model"));
    assertThat(found.path("tensors")).isEqualTo(before.path("tensors"));
  }

  @Test
  void theTokenizerTravels() throws IOException {
    Path llama = Files.createDirectory(folder.resolve("llama"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(LLAMA.resolve(name), llama.resolve(name));
    }
    Files.writeString(llama.resolve("tokenizer.json"), "{}");
    Path inside = Files.createDirectory(folder.resolve("inside"));
    Path ours = inside.resolve("ours.safetensors");
    ft("checkpoint", "convert", llama, ours);
    assertThat(inside.resolve("tokenizer.json")).hasContent("{}");
    Path theirs = folder.resolve("theirs");
    ft("checkpoint", "convert", ours, theirs);
    assertThat(theirs.resolve("tokenizer.json")).hasContent("{}");
    Files.writeString(inside.resolve("tokenizer.json"), "[]");
    assertThat(ft("checkpoint", "convert", llama, inside.resolve("again.safetensors")).err())
        .hasLineCount(1)
        .contains("is another file than");
  }

  @Test
  void aSeedCheckpointInSafetensorsIsTheSameModel() {
    Path ours = folder.resolve("seed.safetensors");
    assertThat(ft("checkpoint", "convert", SEED, ours).code()).isZero();
    String[] rest = {"--deterministic", "--examples", "8", "--json"};
    JsonNode before = ft("eval", "--checkpoint", SEED, rest[0], rest[1], rest[2], rest[3]).json();
    JsonNode after = ft("eval", "--checkpoint", ours, rest[0], rest[1], rest[2], rest[3]).json();
    assertThat(after).isEqualTo(before);
  }

  @Test
  void aBaselineIsUpcycledAndTrainedOn() throws IOException {
    Path baseline = TinyRun.trained(folder, "--set", "model.kind=baseline", "--threads", "1");
    Path free = folder.resolve("free.safetensors");
    assertThat(
            ft("checkpoint", "upcycle", baseline, free, "--latent-dim", "4", "--threads", "1")
                .code())
        .isZero();
    double before =
        ft("eval", "--run", baseline, "--threads", "1", "--json").json().path("nll").asDouble();
    double after =
        ft("eval", "--checkpoint", free, "--threads", "1", "--json")
            .json()
            .path("reconstruction")
            .asDouble();
    assertThat(after).isCloseTo(before, within(1e-5));

    Path run = folder.resolve("upcycled");
    Path config = folder.resolve("tiny.yaml");
    JsonNode trained =
        ft("train", "--config", config, "--out", run, "--init", free, "--threads", "1", "--json")
            .json();
    assertThat(trained.path("steps").asInt()).isEqualTo(4);
    assertThat(trained.at("/evaluation/reconstruction").asDouble()).isLessThan(before);
  }

  @Test
  void whereAPlanEntersAndHowCanBeChosen() throws IOException {
    Path baseline =
        TinyRun.trained(folder, "--set", "model.kind=baseline", "--set", "model.num_layers=3");
    Path usual = folder.resolve("usual.safetensors");
    Path other = folder.resolve("other.safetensors");
    Object[] words = {"checkpoint", "upcycle", baseline};
    assertThat(ft(words, usual).code()).isZero();
    Object[] chosen = {other, "--split-layer", 2, "--post-sampler", "bits", "--latent-dim", 5};
    assertThat(ft(words, chosen).code()).isZero();
    JsonNode before = ft("inspect", usual, "--json").json().path("model");
    JsonNode after = ft("inspect", other, "--json").json().path("model");
    assertThat(before.path("split_layer").asInt()).isEqualTo(1);
    assertThat(after.path("split_layer").asInt()).isEqualTo(2);
    assertThat(before.at("/latent/post_sampler").asText()).isEqualTo("table");
    assertThat(after.at("/latent/post_sampler").asText()).isEqualTo("bits");
    assertThat(after.path("latent_dim").asInt()).isEqualTo(5);
    Path third = folder.resolve("third.safetensors");
    ft(words, third, "--split-layer", 0).refused("--split-layer: 0", "nearest is 1");
    ft(words, third, "--split-layer", 3).refused("split_layer: 3");
    assertThat(third).doesNotExist();
  }

  @Test
  void aNumberThatATypeHasNotIsRefused() throws IOException {
    Path run = TinyRun.trained(folder, "--set", "model.kind=baseline");
    byte[] file = Files.readAllBytes(run.resolve("checkpoints/step-4/model.safetensors"));
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putFloat(file.length - 4, 70_000);
    Path large = Files.write(folder.resolve("large.safetensors"), file);
    for (String name : new String[] {"half.safetensors", "half"}) {
      Path half = folder.resolve(name);
      ft("checkpoint", "convert", large, half, "--dtype", "f16")
          .refused(large + ": the tensor '", "has the number 70000.0", "F16", "nearest is BF16");
      assertThat(half).doesNotExist();
    }
    Path rounded = folder.resolve("rounded.safetensors");
    assertThat(ft("checkpoint", "convert", large, rounded, "--dtype", "bf16").code()).isZero();
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putFloat(file.length - 4, Float.MAX_VALUE);
    Files.write(large, file);
    for (String type : new String[] {"f16", "bf16"}) {
      ft("checkpoint", "convert", large, folder.resolve("none.safetensors"), "--dtype", type)
          .refused("has the number 3.4028234663852886E38", "nearest is F32");
    }
  }

  @Test
  void errorsNameWhatWasLookedFor() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    ft("inspect", empty).refused("config.yaml", "state.json", "config.json");
    ft("checkpoint", "convert", SEED, folder.resolve("llama")).refused("is a Free Transformer");
    assertThat(folder.resolve("llama")).doesNotExist();
    ft("checkpoint", "convert", LLAMA, empty).refused("exists already");
    ft("checkpoint", "upcycle", SEED, folder.resolve("x.safetensors"))
        .refused("is a Free Transformer already");
    ft("checkpoint", "upcycle", LLAMA, folder.resolve("x.pt")).refused("end with .safetensors");
    ft("checkpoint", "upcycle", LLAMA, folder.resolve("x.safetensors"), "--split-layer", "9")
        .refused("split_layer: 9 is out of range");
    ft("checkpoint", "convert", LLAMA, folder.resolve("y"), "--dtype", "f8")
        .refused("--dtype", "F32, BF16, F16");
    ft("checkpoint").refused("consolidate, convert or upcycle");
    Path config = TinyRun.config(folder);
    ft("train", "--config", config, "--out", folder.resolve("run"), "--init", LLAMA)
        .refused(
            "tiny.yaml:8: model.latent_dim: is for plans", "a baseline; ft checkpoint upcycle");
    assertThat(folder.resolve("run")).doesNotExist();
  }
}

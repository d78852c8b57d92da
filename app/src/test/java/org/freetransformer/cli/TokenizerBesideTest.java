package org.freetransformer.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models in one folder with a {@code tokenizer.json}, which makes the tokens of one of them. */
class TokenizerBesideTest {
  @TempDir private static Path shared;
  private static Path text;
  private static Path llama;
  private static Path together;

  @TempDir private Path folder;

  @BeforeAll
  static void saveThreeModels() throws IOException {
    text = Files.writeString(shared.resolve("a.txt"), "To be, or not to be. ".repeat(200));
    Path tokenizer = shared.resolve("tokenizer.json");
    done(ft("data", "tokenizer", "--in", text, "--vocab", 262, "--out", tokenizer, "--quiet"));
    Path own =
        TinyRun.trained(
            folderOf("own"),
            "--set=model.kind=baseline",
            "--set=model.vocab_size=262",
            "--set=model.max_seq_len=24",
            "--set=data.dataset_name=text",
            "--set=data.tokenizer=" + tokenizer,
            "--set=data.data_dir=" + text,
            "--set=data.cache_dir=" + shared.resolve("cache"));
    Path bytes = TinyRun.trainedOnBytes(folderOf("bytes"), text);
    Path letters = TinyRun.trained(folderOf("letters"));
    llama = shared.resolve("llama");
    done(ft("checkpoint", "convert", own, llama));
    forgetItsData(llama.resolve("model.safetensors"));
    Files.delete(tokenizer); // Each has its own.
    together = folderOf("together");
    save(own, "own");
    save(bytes, "bytes");
    save(letters, "letters");
    assertThat(together.resolve("tokenizer.json")).exists();
    assertThat(alone("bytes").resolveSibling("tokenizer.json")).doesNotExist();
  }

  private static Path folderOf(String name) throws IOException {
    return Files.createDirectory(shared.resolve(name));
  }

  /** As the files of other programs, which say nothing of it. */
  private static void forgetItsData(Path weights) throws IOException {
    String file = Files.readString(weights, ISO_8859_1);
    assertThat(file).contains("\"data_config\"");
    Files.writeString(weights, file.replace("\"data_config\"", "\"some_config\""), ISO_8859_1);
  }

  private static void save(Path run, String name) throws IOException {
    folderOf(name + "-alone");
    done(ft("checkpoint", "consolidate", run, alone(name)));
    Outcome beside = ft("checkpoint", "consolidate", run, beside(name));
    done(beside);
    assertThat(beside.err()).isEmpty();
  }

  private static Path alone(String name) {
    return shared.resolve(name + "-alone/model.safetensors");
  }

  private static Path beside(String name) {
    return together.resolve(name + ".safetensors");
  }

  private static void done(Outcome outcome) {
    assertThat(outcome.code()).as(outcome.err()).isZero();
  }

  /** What a command says of the model is what it says where that lies alone. */
  private static JsonNode same(String name, String command, Object... more) {
    Object[] words = {command, "--json", "--checkpoint"};
    Object[] with = new Object[more.length + 1];
    System.arraycopy(more, 0, with, 1, more.length);
    with[0] = alone(name);
    JsonNode wanted = ft(words, with).json();
    with[0] = beside(name);
    assertThat(ft(words, with).json()).as(command).isEqualTo(wanted);
    return wanted;
  }

  @ParameterizedTest
  @ValueSource(strings = {"own", "bytes"})
  void aModelOfTextReadsItWithItsOwnTokenizer(String name) {
    JsonNode written = same(name, "generate", "--prompt", "To be", "--max-tokens", 4);
    assertThat(written.at("/prompts/0/tokens")).hasSize(name.equals("bytes") ? 5 : 2);
    same(name, "eval", "--examples", 4);
    same(name, "eval", "--examples", 4, "--data", text);
  }

  @Test
  void aModelOfLettersReadsLetters() {
    same("letters", "generate", "--prompt", "K>", "--max-tokens", 4);
    same("letters", "eval", "--examples", 4);
  }

  @Test
  void plansAreShownInTheModelsOwnWords() {
    Path pictures = folder.resolve("pictures");
    for (String name : new String[] {"bytes", "letters"}) {
      same(name, "plans", "--examples", 4, "--steered", 1, "--out", pictures);
    }
  }

  @Test
  void theTokenizerGoesOnWithItsModelOnly() throws IOException {
    for (String name : new String[] {"own", "bytes"}) {
      Path target = Files.createDirectory(folder.resolve(name));
      done(ft("checkpoint", "convert", beside(name), target.resolve("model.safetensors")));
      assertThat(Files.exists(target.resolve("tokenizer.json")))
          .as(name)
          .isEqualTo(name.equals("own"));
    }
  }

  @Test
  void aRunThatStartsFromTheModelHasItsTokens() {
    Object[] words = {
      "train",
      "--init",
      beside("bytes"),
      "--out",
      folder.resolve("run"),
      "--quiet",
      "--set=training.max_steps=1",
      "--set=training.warmup_steps=0",
      "--set=training.batch_size=2",
      "--set=data.dataset_name=text",
      "--set=data.data_dir=" + text,
      "--set=data.max_length=16",
      "--set=data.cache_dir=" + folder.resolve("cache")
    };
    done(ft(words));
    assertThat(folder.resolve("run/config.yaml")).content().contains("tokenizer: byte");
  }

  /** It says how text becomes tokens, and nothing of what it was trained on. */
  @Test
  void aLlamaIsMeasuredOnTextThatIsNamed() throws IOException {
    ft("eval", "--checkpoint", llama)
        .refused(llama + ": does not say what it was trained on", "--data names text");
    assertThat(ft("eval", "--checkpoint", llama, "--data", text, "--json").json().path("nll"))
        .isEqualTo(ft("eval", "--checkpoint", beside("own"), "--json").json().path("nll"));
    done(ft("generate", "--checkpoint", llama, "--prompt", "To be"));
    Path free = Files.createDirectory(folder.resolve("free")).resolve("free.safetensors");
    done(ft("checkpoint", "upcycle", llama, free, "--latent-dim", 4));
    ft("plans", "--checkpoint", free, "--out", folder.resolve("plots"))
        .refused("does not say what it was trained on");
  }

  @Test
  void aLlamaWithoutTokenizerIsMeasuredOnBytes() throws IOException {
    Path alone = Files.createDirectory(folder.resolve("alone"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(llama.resolve(name), alone.resolve(name));
    }
    ft("eval", "--checkpoint", alone)
        .refused(alone + ": does not say what it was trained on", "--data names text", "byte");
    done(ft("eval", "--checkpoint", alone, "--data", text));
    ft("generate", "--checkpoint", alone, "--prompt", "To be")
        .refused(alone + ": does not say", "how text becomes tokens", "tokenizer.json");
  }

  /** As a Llama has it that was trained without padding. */
  @Test
  void aTokenThatTheModelHasNotIsRefused() throws IOException {
    Path padded = Files.createDirectory(folder.resolve("padded"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(llama.resolve(name), padded.resolve(name));
    }
    ObjectMapper json = new ObjectMapper();
    JsonNode tokenizer = json.readTree(llama.resolve("tokenizer.json").toFile());
    ObjectNode token = ((ObjectNode) tokenizer).withArray("added_tokens").addObject();
    token.put("id", 262).put("content", "<pad>").put("special", true);
    for (String flag : new String[] {"single_word", "lstrip", "rstrip", "normalized"}) {
      token.put(flag, false);
    }
    json.writeValue(padded.resolve("tokenizer.json").toFile(), tokenizer);
    ft("generate", "--checkpoint", padded, "--prompt", "To <pad>")
        .refused("--prompt: '<pad>' is token 262", "0 to 261 (vocab_size)");
    assertThat(ft("generate", "--checkpoint", padded, "--prompt", "To be").code()).isZero();
    Path other = Files.writeString(folder.resolve("b.txt"), "To be, or <pad> to be. ".repeat(90));
    ft("eval", "--checkpoint", padded, "--data", other, "--quiet")
        .refused("the data has token 262", "0 to 261 (vocab_size)", "tokenizer");
    assertThat(ft("eval", "--checkpoint", padded, "--data", text).code()).isZero();
  }
}

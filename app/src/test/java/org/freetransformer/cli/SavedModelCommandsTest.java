package org.freetransformer.cli;

import static java.util.Locale.ROOT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.run.Json;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** eval, generate and inspect on runs that were really trained. */
class SavedModelCommandsTest {
  @TempDir private static Path shared;
  private static Path run;
  private static Path baseline;

  @TempDir private Path folder;

  @BeforeAll
  static void train() throws IOException {
    run = TinyRun.trained(Files.createDirectory(shared.resolve("free")));
    baseline =
        TinyRun.trained(
            Files.createDirectory(shared.resolve("baseline")), "--set", "model.kind=baseline");
  }

  private static Path weights() {
    return run.resolve("checkpoints/step-4/model.safetensors");
  }

  private static JsonNode sample(Object... more) {
    Object[] words = {"generate", "--run", run, "--prompt", "K>", "--json"};
    return ft(words, more).json().at("/samples/0");
  }

  @Test
  void evaluatesAPlanHonestly() {
    JsonNode result = ft("eval", "--run", run, "--json").json();
    double reconstruction = result.path("reconstruction").asDouble();
    double kl = result.path("kl").asDouble();
    assertThat(result.path("tokens").asInt()).isEqualTo(20 * 64);
    assertThat(result.path("nll_bound").asDouble()).isEqualTo(reconstruction + kl);
    assertThat(result.path("bits_per_byte").asDouble())
        .isCloseTo((reconstruction + kl) / Math.log(2), within(1e-12));
    assertThat(result.path("perplexity").asDouble()).isEqualTo(Math.exp(reconstruction + kl));
    assertThat(result.path("nll_iw").asDouble()).isBetween(0.0, reconstruction + kl + 0.1);
    assertThat(result.path("kl_per_bit")).hasSize(4);
    assertThat(result.path("prior_ce").asDouble()).isPositive();
    assertThat(result.path("nll_tightest").asDouble())
        .isLessThanOrEqualTo(result.path("prior_ce").asDouble())
        .isLessThanOrEqualTo(result.path("nll_iw").asDouble());
    String text = ft("eval", "--run", run, "--samples", 2, "--quiet").out();
    assertThat(text)
        .contains("bound", "seen the text through the plan", "importance-weighted with 2 plans");
    ft("eval", "--run", run, "--samples", 0).refused("--samples", "nearest is 1");
  }

  @Test
  void theLikeliestPlanIsNotSoldAsABound() {
    Object[] words = {"eval", "--checkpoint", weights(), "--deterministic"};
    JsonNode result = ft(words, "--json").json();
    assertThat(result.path("deterministic").asBoolean()).isTrue();
    assertThat(result.path("reconstruction").asDouble()).isPositive();
    for (String bound : new String[] {"nll_bound", "nll_iw", "perplexity", "bits_per_byte"}) {
      assertThat(result.has(bound)).as(bound).isTrue();
      assertThat(result.path(bound).isNull()).as(bound).isTrue();
    }
    assertThat(ft(words).out()).contains("no bound");
    ft(words, "--samples", 4).refused("--samples", "--deterministic draws none");
  }

  @Test
  void otherTextCanBeEvaluated() throws IOException {
    String words = "To be, or not to be, that is the question. ";
    Path text = Files.writeString(folder.resolve("text.txt"), words.repeat(40));
    Path bytes = trainedOnBytesOf(text);
    Path other = Files.writeString(folder.resolve("other.txt"), "Whether 'tis nobler. ".repeat(90));
    JsonNode own = ft("eval", "--run", bytes, "--json").json();
    JsonNode elsewhere = ft("eval", "--run", bytes, "--data", other, "--json").json();
    assertThat(elsewhere.path("nll_bound")).isNotEqualTo(own.path("nll_bound"));
    assertThat(elsewhere.path("tokens").asInt()).isEqualTo(189 / 16 * 16);
    ft("eval", "--run", bytes, "--data", folder.resolve("text.tx"))
        .refused("no such text", "text.txt");
    ft("eval", "--run", run, "--data", other).refused("plan-letters", "not those of a text");
  }

  private Path trainedOnBytesOf(Path text) throws IOException {
    return TinyRun.trainedOnBytes(Files.createDirectory(folder.resolve("bytes")), text);
  }

  @Test
  void otherTextIsReadAsItsNameTells() throws IOException {
    String words = "To be, or not to be, that is the question. ";
    Path bytes = trainedOnBytesOf(Files.writeString(folder.resolve("a.txt"), words.repeat(40)));
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 60; i++) {
      lines.append("{\"id\": 7, \"text\": \"Whether 'tis nobler, or %d.\"}\n".formatted(i));
    }
    Path plain = Files.writeString(folder.resolve("b.jsonl"), lines);
    JsonNode wanted = ft("eval", "--run", bytes, "--data", plain, "--json").json();
    Path packed = folder.resolve("b.jsonl.GZ");
    try (OutputStream gzip = new GZIPOutputStream(Files.newOutputStream(packed))) {
      gzip.write(lines.toString().getBytes(StandardCharsets.UTF_8));
    }
    Path hub = Files.createDirectory(folder.resolve("hub"));
    Files.writeString(hub.resolve("b.json"), lines);
    Path other = Files.writeString(folder.resolve("b.NDJSON"), lines);
    for (Path same : List.of(packed, hub, other)) {
      assertThat(ft("eval", "--run", bytes, "--data", same, "--json").json())
          .as(same.toString())
          .isEqualTo(wanted);
    }
    ft("eval", "--run", bytes, "--data", Files.createFile(folder.resolve("b.arrow")))
        .refused("Arrow files are not read");
    Path archive = Files.createFile(folder.resolve("b.zip"));
    ft("eval", "--run", bytes, "--data", archive)
        .refused(archive + ": an archive is not read here", "unpack it");
  }

  /** Neither the number of examples nor their batches change what one of them gives. */
  @Test
  void everyHeldOutExampleIsEvaluated() {
    JsonNode some = ft("eval", "--run", run, "--json", "--examples", 13).json();
    assertThat(some.path("tokens").asInt()).isEqualTo(13 * 64);
  }

  @Test
  void aBaselineHasALikelihoodAndNoKl() {
    JsonNode result = ft("eval", "--run", baseline, "--json", "--examples", "8").json();
    assertThat(result.path("nll").asDouble()).isEqualTo(result.path("nll_bound").asDouble());
    assertThat(result.has("kl")).isFalse();
    assertThat(result.path("tokens").asInt()).isEqualTo(8 * 64);
  }

  @Test
  void showsWhatPlansMean() throws IOException {
    JsonNode result = ft("plans", "--run", run, "--json", "--out", folder).json();
    assertThat(result.path("bits")).hasSize(4);
    assertThat(result.path("positions").asInt()).isEqualTo(20 * 65);
    for (JsonNode bit : result.path("bits")) {
      assertThat(bit.path("entropy").asDouble()).isBetween(0.0, Math.log(2));
      assertThat(bit.path("kl").asDouble()).isBetween(0.0, Math.log(2));
      assertThat(bit.path("mi_position").isNumber()).isTrue();
      assertThat(bit.path("mi_token").isNumber()).isTrue();
      assertThat(bit.at("/probe/position").asDouble()).isBetween(0.0, 1.0);
      assertThat(bit.at("/steering/total_variation").asDouble()).isBetween(0.0, 1.0);
      assertThat(bit.at("/steering/kl").asDouble()).isNotNegative();
    }
    assertThat(result.path("pictures")).hasSize(4);
    for (JsonNode picture : result.path("pictures")) {
      assertThat(ImageIO.read(Path.of(picture.asText()).toFile())).isNotNull();
    }
    assertThat(ft("plans", "--run", run).out())
        .contains("bit  entropy", run.resolve("plots/plan-steering.png").toString());
    for (String option : List.of("--run", "--checkpoint")) {
      ft("plans", option, baseline)
          .refused("ft plans: " + baseline + ": holds a baseline", "no plan");
    }
    ft("plans", "--run", run, "--examples", 1).refused("--examples", "nearest is 2");
    Object[] words = {"plans", "--run", run, "--json", "--out", folder};
    JsonNode fewer = ft(words, "--steered", 2).json();
    for (int bit = 0; bit < 4; bit++) {
      String steering = "/bits/%d/steering".formatted(bit);
      assertThat(fewer.at(steering)).isNotEqualTo(result.at(steering));
    }
    ((ObjectNode) fewer).set("bits", result.path("bits"));
    assertThat(fewer).as("nothing else depends on it").isEqualTo(result);
  }

  @Test
  void theSameSeedWritesTheSameText() {
    JsonNode one = sample("--seed", 5, "--max-tokens", 10);
    assertThat(one).isEqualTo(sample("--seed", 5, "--max-tokens", 10));
    assertThat(one).isNotEqualTo(sample("--seed", 6, "--max-tokens", 10));
    assertThat(one.path("tokens")).hasSize(10);
    assertThat(one.path("plan")).hasSize(12);
    assertThat(one.path("finish_reason").asText()).isEqualTo("length");
    assertThat(one.path("text").asText()).hasSize(10);
  }

  @ParameterizedTest
  @ValueSource(strings = {"bf16", "int8"})
  void weightsInFewerBitsWriteTextToo(String weights) {
    JsonNode one = sample("--seed", 5, "--max-tokens", 10, "--weights", weights);
    assertThat(one.path("tokens")).hasSize(10);
    assertThat(one)
        .isEqualTo(sample("--seed", 5, "--max-tokens", 10, "--weights", weights.toUpperCase(ROOT)));
  }

  @Test
  void whatIsWrittenAlreadyCanBePenalised() {
    JsonNode plain = sample("--seed", 5);
    assertThat(sample("--seed", 5, "--repetition-penalty", 1)).isEqualTo(plain);
    JsonNode varied = sample("--seed", 5, "--repetition-penalty", 1000);
    assertThat(differentTokens(varied)).isGreaterThan(differentTokens(plain));
  }

  @Test
  void textEndsBeforeAStopString() {
    JsonNode free = sample("--seed", 5);
    String text = free.path("text").asText();
    String stop = text.substring(10, 13);
    int begin = text.indexOf(stop);
    JsonNode stopped = sample("--seed", 5, "--stop", "no such text", "--stop", stop);
    assertThat(stopped.path("text").asText()).isEqualTo(text.substring(0, begin));
    assertThat(stopped.path("finish_reason").asText()).isEqualTo("stop_string");
    assertThat(stopped.path("tokens")).hasSize(begin + 3);
    assertThat(sample("--seed", 5, "--stop", "no such text")).isEqualTo(free);
    Outcome printed =
        ft("generate", "--run", run, "--prompt", "K>", "--seed", 5, "--stop", stop, "--n", 2);
    assertThat(printed.out().lines()).hasSize(2).startsWith("K>" + text.substring(0, begin));
  }

  private static long differentTokens(JsonNode sample) {
    return StreamSupport.stream(sample.path("tokens").spliterator(), false).distinct().count();
  }

  @Test
  void plansAreSharedPinnedSavedAndReplayed() {
    JsonNode samples =
        ft(
                "generate",
                "--run",
                run,
                "--prompt",
                "K>",
                "--json",
                "--n",
                3,
                "--plan",
                "prior",
                "--shared-plan")
            .json()
            .path("samples");
    assertThat(samples).hasSize(3);
    assertThat(samples.at("/1/plan")).isEqualTo(samples.at("/0/plan"));
    JsonNode inferred =
        ft("generate", "--run", run, "--prompt", "K>", "--json", "--n", 3, "--shared-plan")
            .json()
            .path("samples");
    assertThat(inferred.findValues("plan").stream().distinct()).hasSize(1);
    assertThat(inferred.findValuesAsText("text").stream().distinct()).hasSize(3);
    for (JsonNode plan : sample("--plan", "prior", "--pin", "3=1", "--pin", "0=0").path("plan")) {
      assertThat(plan.asInt() & 0b1001).isEqualTo(0b1000);
    }
    Path saved = folder.resolve("plan.json");
    JsonNode written = sample("--plan", "prior", "--seed", 9, "--save-plan", saved);
    assertThat(sample("--plan", saved, "--seed", 1).path("plan")).isEqualTo(written.path("plan"));
  }

  @Test
  void textIsThePromptAndWhatFollows() {
    Outcome outcome = ft("generate", "--run", run, "--prompt", "K>", "--n", 2);
    assertThat(outcome.out().lines()).hasSize(2).allMatch(line -> line.startsWith("K>"));
    assertThat(outcome.err()).isEmpty();
    // One is shown as it is written.
    Outcome one = ft("generate", "--run", run, "--prompt", "K>", "--seed", 5);
    assertThat(one.out()).isEqualTo("K>" + sample("--seed", 5).path("text").asText() + "\n");
  }

  @Test
  void badRequestsAreRefusedInOneLine() throws IOException {
    Object[] words = {"generate", "--run", run, "--prompt", "K>"};
    ft("generate", "--run", run, "--prompt", "k>").refused("'k'", "nearest is K");
    ft("generate", "--run", run, "--prompt", "").refused("0 tokens");
    ft("generate", "--run", run, "--prompt", "K".repeat(67)).refused("66");
    ft(words, "--temperature", "-1").refused("--temperature: -1.0");
    ft(words, "--top-p", "0").refused("--top-p: 0.0");
    ft(words, "--repetition-penalty", "0").refused("--repetition-penalty: 0.0", "above 0");
    ft(words, "--stop", "").refused("--stop: an empty stop string", "1 character or more");
    ft(words, "--n", "0").refused("--n", "nearest is 1");
    ft(words, "--pin", "4=1").refused("--pin", "nearest is 3");
    ft(words, "--pin", "1=2").refused("--pin", "nearest is 1");
    ft(words, "--pin", "x").refused("--pin");
    ft(words, "--max-tokens", "many").refused("'--max-tokens'", "'many' is not a whole number");
    ft(words, "--n", "99999999999").refused("'--n'", "'99999999999' has too many digits");
    ft(words, "--seed", "abc").refused("'--seed'", "'abc' is not a whole number");
    ft(words, "--temperature", "nan").refused("'--temperature'", "'nan' is not a number");
    ft(words, "--plan", folder.resolve("none.json")).refused("no such plan");
    Path plan = Files.writeString(folder.resolve("plan.json"), "{\"plan\": [99]}");
    ft(words, "--plan", plan).refused("99", "0 to 15");
    ft(words, "--plan", Files.writeString(plan, "{]")).refused("not JSON");
    ft(words, "--plan", Files.writeString(plan, "{\"plan\": [0.5]}")).refused("0.5");
    ft("generate", "--run", baseline, "--prompt", "K>", "--shared-plan").refused("no plan");
    Path saved = folder.resolve("saved.json");
    ft("generate", "--run", baseline, "--prompt", "K>", "--save-plan", saved)
        .refused("no plan", "--save-plan");
    assertThat(saved).doesNotExist();
    ft("generate", "--prompt", "K>").refused("--run", "--checkpoint");
  }

  @Test
  void showsWhatACheckpointHolds() {
    JsonNode result = ft("inspect", run, "--json").json();
    assertThat(result.path("format").asText()).isEqualTo("safetensors");
    assertThat(result.at("/model/hidden_dim").asInt()).isEqualTo(16);
    assertThat(result.path("step").asInt()).isEqualTo(4);
    long numbers = 0;
    for (JsonNode tensor : result.path("tensors")) {
      long size = 1;
      for (JsonNode dim : tensor.path("shape")) {
        size *= dim.asLong();
      }
      numbers += size;
    }
    assertThat(result.path("parameters").asLong()).isEqualTo(numbers);
    assertThat(result.path("tensors").findValuesAsText("name")).contains("encoder.zeta");
    assertThat(ft("inspect", weights()).out()).contains("encoder.readout.weight", "F32");
    assertThat(ft("inspect", weights().resolveSibling("optimizer.safetensors")).code()).isZero();
  }

  private Outcome evaluate(byte[] file) throws IOException {
    return ft("eval", "--checkpoint", Files.write(folder.resolve("model.safetensors"), file));
  }

  @Test
  void damagedAndHostileFilesAreRefusedInOneLine() throws IOException {
    ft("eval", "--checkpoint", run.resolve("checkpoints/step-5")).refused("nearest is", "step-");
    ft("inspect", folder).refused("state.json");
    byte[] whole = Files.readAllBytes(weights());
    evaluate(Arrays.copyOf(whole, whole.length / 2)).refused("model.safetensors");
    evaluate(new byte[0]).refused("not a safetensors file");
    byte[] noise = new byte[4096];
    new Random(1).nextBytes(noise);
    evaluate(noise).refused("not a safetensors file");
    evaluate(withLength(Long.MAX_VALUE, whole)).refused(String.valueOf(Long.MAX_VALUE));
    evaluate(withLength(1L << 63, whole)).refused("9223372036854775808");
    evaluate(replaced(whole, "\"hidden_dim\\\":16", "\"hidden_dim\\\":18")).refused("hidden_dim");
    evaluate(replaced(whole, "\"norm_eps\\\":1.0E-6", "\"norm_eps\\\":NaN   ")).refused("NaN");
    evaluate(replaced(whole, "encoder.zeta", "encoder.zetb"))
        .refused("encoder.zetb", "encoder.zeta");
    Path torch = Files.write(folder.resolve("model.pt"), noise);
    ft("inspect", torch).refused(".pt", "safetensors");
  }

  private static byte[] withLength(long length, byte[] file) {
    byte[] changed = file.clone();
    ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
    return changed;
  }

  private static byte[] replaced(byte[] file, String from, String to) {
    String text = new String(file, StandardCharsets.ISO_8859_1);
    assertThat(text).contains(from);
    assertThat(to).hasSameSizeAs(from);
    return text.replace(from, to).getBytes(StandardCharsets.ISO_8859_1);
  }

  /** A number that is none would turn up as a text in what others read. */
  @ParameterizedTest
  @ValueSource(strings = {"eval", "plans"})
  void nothingIsMeasuredWithWeightsThatAreNoNumbers(String command) throws IOException {
    byte[] file = Files.readAllBytes(weights());
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putFloat(file.length - 4, Float.NaN);
    Path damaged = Files.write(folder.resolve("model.safetensors"), file);
    Outcome outcome = ft(command, "--checkpoint", damaged, "--json", "--quiet", "--examples", 4);
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).hasLineCount(1).contains("is NaN: the model's weights are damaged");
    Outcome written = ft("generate", "--checkpoint", damaged, "--prompt", "K>", "--quiet");
    assertThat(written.code()).isEqualTo(1);
    assertThat(written.out()).isEmpty();
    assertThat(written.err()).hasLineCount(1).contains("is NaN: the model's weights are damaged");
  }

  @Test
  void noNumberIsNullInJson() {
    Map<String, Object> numbers = new LinkedHashMap<>();
    numbers.put("none", Double.NaN);
    numbers.put("endless", List.of(Float.NEGATIVE_INFINITY, 1.5f));
    assertThat(Json.write(numbers)).isEqualTo("{\"none\":null,\"endless\":[null,1.5]}");
  }

  @Test
  void aDamagedNewestCheckpointIsPassedOverWithAWarning() throws IOException {
    Path own = TinyRun.trained(folder);
    Files.write(own.resolve("checkpoints/step-4/model.safetensors"), new byte[] {1, 2, 3});
    Outcome outcome = ft("inspect", own, "--json");
    assertThat(outcome.json().path("step").asInt()).isEqualTo(2);
    assertThat(outcome.err()).hasLineCount(1).contains("step-4");
  }

  /** It computes with them while it looks at every byte, and must not say what came of that. */
  @Test
  void nothingIsWrittenWithDamagedWeights() throws IOException {
    Path own = TinyRun.trained(folder);
    Path damaged = own.resolve("checkpoints/step-4");
    byte[] bytes = Files.readAllBytes(damaged.resolve("model.safetensors"));
    bytes[bytes.length - 2] ^= 1;
    Files.write(damaged.resolve("model.safetensors"), bytes);
    ft("generate", "--checkpoint", damaged, "--prompt", "K>").refused("is damaged: its SHA-256");
    Outcome outcome = ft("generate", "--run", own, "--prompt", "K>", "--json");
    assertThat(outcome.err()).hasLineCount(1).contains("step-4", "is damaged", "step-2 instead");
    Path whole = own.resolve("checkpoints/step-2");
    assertThat(outcome.json())
        .isEqualTo(ft("generate", "--checkpoint", whole, "--prompt", "K>", "--json").json());
    assertThat(ft("generate", "--run", own, "--prompt", "K>").out())
        .isEqualTo(ft("generate", "--checkpoint", whole, "--prompt", "K>").out());
  }
}

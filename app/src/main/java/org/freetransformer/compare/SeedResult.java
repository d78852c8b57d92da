package org.freetransformer.compare;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.freetransformer.run.Json;
import org.freetransformer.run.OutputFiles;
import org.jspecify.annotations.Nullable;

/**
 * One finished run of a comparison, as its file {@code result.json} keeps it.
 *
 * @param seed of weights, dropout and plans
 * @param tokensPerSecond of training, evaluation left out
 * @param peakBytes most off-heap memory in use at once
 * @param settings how it was evaluated
 * @param evaluation under the keys of {@code ft eval --json}
 */
record SeedResult(
    long seed,
    double tokensPerSecond,
    long peakBytes,
    EvaluationSettings settings,
    JsonNode evaluation) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static SeedResult of(
      long seed,
      double tokensPerSecond,
      long peakBytes,
      EvaluationSettings settings,
      Map<String, ? extends @Nullable Object> evaluation) {
    return new SeedResult(seed, tokensPerSecond, peakBytes, settings, JSON.valueToTree(evaluation));
  }

  /** Reads the file of a run, if it was finished; one that is damaged counts as none. */
  static Optional<SeedResult> read(Path file) throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    // Not strictly: bytes that are no text at all are damage as well.
    String text = new String(Files.readAllBytes(file), UTF_8);
    JsonNode json;
    try {
      json = JSON.readTree(text);
    } catch (JsonProcessingException damaged) {
      return Optional.empty();
    }
    EvaluationSettings settings =
        new EvaluationSettings(json.path("examples").asLong(), json.path("samples").asInt());
    return json.path("evaluation").isObject()
        ? Optional.of(
            new SeedResult(
                json.path("seed").asLong(),
                json.path("tokens_per_second").asDouble(),
                json.path("peak_bytes").asLong(),
                settings,
                json.path("evaluation")))
        : Optional.empty();
  }

  void write(Path file) throws IOException {
    OutputFiles.write(file, Json.write(toJson()) + "\n");
  }

  JsonNode toJson() {
    ObjectNode json = JSON.createObjectNode();
    json.put("seed", seed);
    json.put("tokens_per_second", tokensPerSecond);
    json.put("peak_bytes", peakBytes);
    json.put("examples", settings.examples());
    json.put("samples", settings.samples());
    json.set("evaluation", evaluation);
    return json;
  }

  /** A figure of the evaluation, NaN where the model has none. */
  double figure(String key) {
    return evaluation.path(key).asDouble(Double.NaN);
  }
}

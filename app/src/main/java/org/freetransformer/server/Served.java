package org.freetransformer.server;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.generate.TextGenerator;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.run.PromptTokens;
import org.freetransformer.tensor.memory.MemoryPool;
import org.jspecify.annotations.Nullable;

/**
 * A model that is served.
 *
 * @param name what it is called
 * @param step optimizer steps it was trained for; null where it is not known
 * @param model used by one thread at a time
 * @param tokenizer used by any thread
 * @param tokenizerName what that is called
 * @param weights how linear weights are held
 */
public record Served(
    String name,
    @Nullable Long step,
    LanguageModel model,
    Tokenizer tokenizer,
    String tokenizerName,
    String weights) {
  /** Bytes that stay at hand for the next request. */
  private static final long MOST_KEPT = 256 << 20;

  /** What a tokenizer is called; of a file, not where it lies. */
  public static String tokenizerName(DataConfig data) {
    return switch (data.source()) {
      case PLAN_LETTERS -> "letters";
      case SYNTHETIC -> "numbers";
      default -> String.valueOf(Path.of(data.text().tokenizer()).getFileName());
    };
  }

  ModelConfig config() {
    return model.config();
  }

  boolean hasPlan() {
    return config().kind() == ModelConfig.Kind.FREE;
  }

  int planBits() {
    return hasPlan() ? config().latentDim() : 0;
  }

  TextGenerator generator() {
    return new TextGenerator(model, tokenizer);
  }

  /**
   * The tokens of a text that the model can read.
   *
   * @param field where the text stands
   * @throws ConfigException if it holds what is no token of the model, is empty, or is too long
   */
  int[] tokens(String field, String text) {
    requireText(field, text);
    return PromptTokens.of(field, text, tokenizer, config());
  }

  /** Gives memory back to the system that requests of other sizes would not use again. */
  void tidy() {
    MemoryPool memory = model.engine().device().memory();
    if (memory.reservedBytes() - memory.liveBytes() > MOST_KEPT) {
      memory.trim();
    }
  }

  /** Half of a surrogate pair would silently become a question mark. */
  static void requireText(String field, String text) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw new ConfigException(field, "holds half of a surrogate pair, which is no character");
    }
  }

  /** What there is to know about it. */
  Map<String, @Nullable Object> describe() {
    ModelConfig config = config();
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("name", name);
    map.put("kind", hasPlan() ? "free-transformer" : "baseline");
    map.put("step", step);
    map.put("parameters", config.parameterCount());
    map.put("layers", config.numLayers());
    map.put("hidden_dim", config.hiddenDim());
    map.put("heads", config.numHeads());
    map.put("kv_heads", config.numKvHeads());
    map.put("vocab_size", config.vocabSize());
    map.put("max_seq_len", config.maxSeqLen());
    map.put("plan_bits", planBits());
    map.put("tokenizer", tokenizerName);
    map.put("device", model.engine().device().name());
    map.put("weights", weights);
    map.put("most_samples", GenerationFields.MOST_SAMPLES);
    map.put("defaults", GenerateEndpoint.defaults(hasPlan()));
    return map;
  }
}

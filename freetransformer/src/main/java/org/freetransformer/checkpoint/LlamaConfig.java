package org.freetransformer.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.ModelConfigBuilder;
import org.freetransformer.model.RopeScaling;
import org.jspecify.annotations.Nullable;

/**
 * The {@code config.json} of a Llama from Hugging Face as a baseline's configuration, and back.
 * Keys that do not change what the model computes are passed over; those that ask for something
 * else than a Llama are refused.
 */
final class LlamaConfig {
  private static final int USUAL_LENGTH = 2048;
  private static final String LLAMA3 = "llama3";

  private LlamaConfig() {}

  private enum Architecture {
    LLAMA
  }

  private enum Activation {
    SILU
  }

  /**
   * The configuration of a baseline that computes the same.
   *
   * @throws ConfigException if it asks for what is not built, naming the key
   */
  static ModelConfig read(ConfigNode json) {
    ConfigSection section = ConfigSection.root(json);
    try {
      requireLlama(section);
      return shape(section).build();
    } catch (ConfigException wrong) {
      boolean placed = String.valueOf(wrong.getMessage()).startsWith(json.origin().source());
      throw placed ? wrong : wrong.at(json.origin(), wrong.key());
    }
  }

  private static void requireLlama(ConfigSection section) {
    section.choice("model_type", Architecture.class, Architecture.LLAMA);
    section.choice("hidden_act", Activation.class, Activation.SILU);
    String noBias = "the blocks have no biases";
    section.onlyBuilt("attention_bias", false, noBias);
    section.onlyBuilt("mlp_bias", false, noBias);
    section.onlyEmpty("quantization_config", "weights are read as F32, BF16, F16 or F64");
    int hidden = required(section, "hidden_size");
    int heads = Math.max(1, required(section, "num_attention_heads"));
    int headSize = section.integer("head_dim", hidden / heads);
    if (headSize != hidden / heads) {
      throw section.notBuilt(
          "head_dim",
          "%d beside hidden_size %d and %d heads".formatted(headSize, hidden, heads),
          "heads share the hidden size: " + hidden / heads);
    }
  }

  private static ModelConfigBuilder shape(ConfigSection section) {
    int layers = required(section, "num_hidden_layers");
    int heads = required(section, "num_attention_heads");
    ConfigSection parameters = section.section("rope_parameters");
    return ModelConfig.builder()
        .kind(ModelConfig.Kind.BASELINE)
        .vocabSize(required(section, "vocab_size"))
        .hiddenDim(required(section, "hidden_size"))
        .numLayers(layers)
        .splitLayer(layers / 2)
        .numHeads(heads)
        .numKvHeads(section.integer("num_key_value_heads", heads))
        .ffnHiddenDim(required(section, "intermediate_size"))
        .maxSeqLen(section.integer("max_position_embeddings", USUAL_LENGTH))
        // Transformers 4 has the base at the top and its scaling beside; 5 has both in one object.
        .ropeTheta(parameters.number("rope_theta", section.number("rope_theta", 10_000)))
        .ropeScaling(
            section.has("rope_scaling")
                ? scaling(section.section("rope_scaling"))
                : scaling(parameters))
        .normEps(section.number("rms_norm_eps", 1e-6))
        .tieEmbeddings(section.flag("tie_word_embeddings", false));
  }

  private static RopeScaling scaling(ConfigSection section) {
    String key = section.has("rope_type") ? "rope_type" : "type";
    String type = section.text(key, "default");
    return switch (type) {
      case "default" -> RopeScaling.NONE;
      case LLAMA3 ->
          new RopeScaling(
              section.number("factor", RopeScaling.NONE.factor()),
              section.number("low_freq_factor", RopeScaling.NONE.lowFreqFactor()),
              section.number("high_freq_factor", RopeScaling.NONE.highFreqFactor()),
              section.integer(
                  "original_max_position_embeddings", RopeScaling.NONE.originalMaxPositions()));
      default -> throw section.notBuilt(key, type, "built are default and " + LLAMA3);
    };
  }

  private static int required(ConfigSection section, String key) {
    if (!section.has(key)) {
      throw new ConfigException(key, "is missing");
    }
    return section.integer(key, 0);
  }

  /**
   * What goes into {@code config.json}.
   *
   * @param config of a baseline
   * @param type of the weights beside it
   */
  static Map<String, @Nullable Object> write(ModelConfig config, TensorType type) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("architectures", List.of("LlamaForCausalLM"));
    json.put("model_type", "llama");
    json.put("vocab_size", config.vocabSize());
    json.put("hidden_size", config.hiddenDim());
    json.put("intermediate_size", config.ffnHiddenDim());
    json.put("num_hidden_layers", config.numLayers());
    json.put("num_attention_heads", config.numHeads());
    json.put("num_key_value_heads", config.numKvHeads());
    json.put("head_dim", config.headDim());
    json.put("max_position_embeddings", config.maxSeqLen());
    json.put("rope_theta", config.ropeTheta());
    json.put("rope_scaling", scaling(config.ropeScaling()));
    json.put("rms_norm_eps", config.normEps());
    json.put("tie_word_embeddings", config.tieEmbeddings());
    json.put("hidden_act", "silu");
    json.put("attention_bias", false);
    json.put("mlp_bias", false);
    json.put("torch_dtype", torchName(type));
    return json;
  }

  private static @Nullable Map<String, Object> scaling(RopeScaling scaling) {
    if (scaling.factor() == 1) {
      return null;
    }
    Map<String, Object> json = new LinkedHashMap<>(scaling.toMap());
    json.put("rope_type", LLAMA3);
    return json;
  }

  private static String torchName(TensorType type) {
    return switch (type) {
      case F64 -> "float64";
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      default -> "float32";
    };
  }
}

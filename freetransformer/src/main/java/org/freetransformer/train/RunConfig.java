package org.freetransformer.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.TextConfig;
import org.freetransformer.model.ModelConfig;

/**
 * Everything that decides a run: the model, its training, its data.
 *
 * @param model the model's shape
 * @param training how it is trained
 * @param data on what; its tokens and lengths fit the model
 */
public record RunConfig(ModelConfig model, TrainingConfig training, DataConfig data) {
  private static final List<String> PLAN_KEYS_OF_TRAINING =
      List.of("beta_kl", "kappa_free_bits", "kl_warmup_steps");

  /**
   * Checks that the model can read the data, and be trained.
   *
   * @throws ConfigException if its vocabulary or its sequence is too small, or a tensor too large
   */
  public RunConfig {
    data.vocabSize().ifPresent(tokens -> requireVocabulary(model, data, tokens));
    if (data.sequenceLength() > model.maxSeqLen()) {
      throw new ConfigException(
          "model.max_seq_len",
          "%d is too small: the %s data has inputs of %d tokens; nearest is %d"
              .formatted(
                  model.maxSeqLen(),
                  data.datasetName(),
                  data.sequenceLength(),
                  data.sequenceLength()));
    }
    requireCountable(model);
  }

  /** Gradients are measured as one row of numbers, and an int counts them. */
  private static void requireCountable(ModelConfig model) {
    long width = model.hiddenDim();
    long most = Integer.MAX_VALUE / width;
    long widest = (long) Math.sqrt(Integer.MAX_VALUE);
    requireCountable("hidden_dim", width, "an attention matrix", width, width, widest);
    long inner = model.ffnHiddenDim();
    requireCountable("ffn_hidden_dim", inner, "a feed-forward matrix", inner, width, most);
    long tokens = model.vocabSize();
    requireCountable("vocab_size", tokens, "the token table", tokens, width, most);
    if (model.kind() == ModelConfig.Kind.FREE
        && model.latent().postSampler() == ModelConfig.Latent.PostSampler.TABLE) {
      int bits = model.latentDim();
      int mostBits = Long.SIZE - 1 - Long.numberOfLeadingZeros(most);
      requireCountable("latent_dim", bits, "the plan table", model.planCount(), width, mostBits);
    }
  }

  private static void requireCountable(
      String key, long value, String tensor, long rows, long width, long most) {
    if (rows * width > Integer.MAX_VALUE) {
      throw new ConfigException(
          "model." + key,
          "%d is too large: %s of %d × %d has %d elements; a trained tensor may have up to %d; nearest is %d"
              .formatted(value, tensor, rows, width, rows * width, Integer.MAX_VALUE, most));
    }
  }

  /**
   * Checks that the model knows all tokens of the data.
   *
   * @param tokens different tokens of the data
   * @throws ConfigException if its vocabulary is too small
   */
  static void requireVocabulary(ModelConfig model, DataConfig data, int tokens) {
    if (tokens > model.vocabSize()) {
      throw new ConfigException(
          "model.vocab_size",
          "%d is too small: the %s data has %d different tokens; nearest is %d"
              .formatted(model.vocabSize(), data.datasetName(), tokens, tokens));
    }
  }

  /** The same run, its tokenizer read from another place. */
  public RunConfig withTokenizer(Path file) {
    TextConfig text = data.text().withTokenizer(file.toString());
    return new RunConfig(model, training, data.withText(text));
  }

  /**
   * Reads a document with the sections model, training and data; each may be absent.
   *
   * @param notes told, in one line each, of keys that have no effect here
   * @throws ConfigException with the place of the first key that is unknown, ill-typed, wrong, or
   *     asks for what is not built in this version
   */
  public static RunConfig read(ConfigNode document, Consumer<String> notes) {
    ConfigSection root = ConfigSection.root(document);
    ConfigSection modelSection = root.section("model");
    ConfigSection trainingSection = root.section("training");
    ConfigSection dataSection = root.section("data");
    root.refuseUnknownKeys();
    ModelConfig model =
        ModelConfig.read(modelSection, usualKind(modelSection, trainingSection, notes));
    TrainingConfig training = TrainingConfig.read(trainingSection, notes);
    DataConfig data = DataConfig.read(dataSection, model.vocabSize(), model.maxSeqLen(), notes);
    return root.build(() -> new RunConfig(model, training, data));
  }

  /**
   * The model that a document without {@code model.kind} means. The original repository's files
   * never say it, for it has a program for each; those for its baseline have a shape and no key of
   * a plan.
   */
  private static ModelConfig.Kind usualKind(
      ConfigSection model, ConfigSection training, Consumer<String> notes) {
    boolean spoken =
        model.has("kind")
            || ModelConfig.PLAN_KEYS.stream().anyMatch(model::has)
            || PLAN_KEYS_OF_TRAINING.stream().anyMatch(training::has);
    if (spoken || !model.has("hidden_dim")) {
      return ModelConfig.Kind.FREE;
    }
    notes.accept(
        "model.kind is taken as baseline, for no key speaks of a plan; model.kind: free asks for a"
            + " Free Transformer");
    return ModelConfig.Kind.BASELINE;
  }

  /** The document as {@link #read} takes it, with every default written out. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("model", model.toMap());
    map.put("training", training.toMap());
    map.put("data", data.toMap());
    return map;
  }
}

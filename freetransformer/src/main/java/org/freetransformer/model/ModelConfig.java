package org.freetransformer.model;

import static org.freetransformer.config.Limits.below;
import static org.freetransformer.config.Limits.between;
import static org.freetransformer.config.Limits.positive;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.ConfigSection;

/**
 * The shape of a model, checked and complete: derived defaults are filled in. Notation of the paper
 * and of this project: vocabulary V, hidden size D, L layers, H latent bits.
 *
 * @param kind the Free Transformer, or the same stack without a plan
 * @param vocabSize V, 1 to 2^24
 * @param hiddenDim D, divisible by {@code numHeads} with an even quotient, as RoPE turns pairs
 * @param numLayers L, without the encoder block
 * @param numHeads query heads of every attention
 * @param numKvHeads key and value heads of the decoder blocks; divides {@code numHeads}
 * @param ffnHiddenDim inner size of SwiGLU
 * @param maxSeqLen longest sequence T the model takes, in tokens
 * @param dropout rate on the attention output, in [0, 1)
 * @param attentionDropout rate on the attention weights, in [0, 1)
 * @param latentDim H, 1 to 20 plan bits per position
 * @param splitLayer blocks before the plan enters: block {@code splitLayer + 1} is the first to see
 *     it; 1 to L − 1 for a Free Transformer
 * @param ropeTheta base of the rotary positions
 * @param ropeScaling how rotary positions are stretched to long texts
 * @param normEps added to the mean square in every RMSNorm
 * @param tieEmbeddings whether the output uses the token embedding's matrix
 * @param latent how the plan is learnt and enters the decoder
 * @param encoder the one block that infers the plan
 */
public record ModelConfig(
    Kind kind,
    int vocabSize,
    int hiddenDim,
    int numLayers,
    int numHeads,
    int numKvHeads,
    int ffnHiddenDim,
    int maxSeqLen,
    double dropout,
    double attentionDropout,
    int latentDim,
    int splitLayer,
    double ropeTheta,
    RopeScaling ropeScaling,
    double normEps,
    boolean tieEmbeddings,
    Latent latent,
    Encoder encoder) {

  /** Which of the two models. */
  public enum Kind {
    /** With an encoder and a plan in the middle. */
    FREE,
    /** The decoder stack alone. */
    BASELINE
  }

  /**
   * How the plan is learnt and enters the decoder.
   *
   * @param gradient which entries of the plan's distribution the gradient runs through
   * @param kvNorm whether the key-value input x + r is normalised as the query input is; false only
   *     reproduces the original repository's checkpoints
   * @param postSampler how a plan becomes a vector of D numbers
   */
  public record Latent(Gradient gradient, boolean kvNorm, PostSampler postSampler) {

    /** The default: the paper's. */
    public static final Latent PAPER = new Latent(Gradient.FULL, true, PostSampler.TABLE);

    /** Which entries of the plan's distribution the gradient runs through. */
    public enum Gradient {
      /** All 2^H, as the paper's equation says. */
      FULL,
      /** The sampled entry alone, as the original repository does. */
      SAMPLED
    }

    /** How a plan becomes a vector of D numbers. */
    public enum PostSampler {
      /** A row of a 2^H × D table, as in the paper. */
      TABLE,
      /** A linear map of the H bits as −1 and +1. */
      BITS
    }
  }

  /**
   * The one non-causal block that infers the plan.
   *
   * @param rope whether its queries and keys know their positions; false only reproduces the
   *     original repository's checkpoints
   * @param numKvHeads its key and value heads; divides the query heads
   */
  public record Encoder(boolean rope, int numKvHeads) {}

  /** Keys and sections that mean nothing for a baseline. */
  public static final List<String> PLAN_KEYS =
      List.of("latent_dim", "split_layer", "latent", "encoder");

  private static final int MAX_DIM = 1 << 20;
  private static final int MAX_VOCABULARY = 1 << 24;

  /**
   * Checks every number and combination.
   *
   * @throws ConfigException naming the first key that is wrong, and the nearest valid choice
   */
  public ModelConfig {
    between("vocab_size", vocabSize, 1, MAX_VOCABULARY);
    between("num_layers", numLayers, 1, 4096);
    between("hidden_dim", hiddenDim, 2, MAX_DIM);
    between("num_heads", numHeads, 1, hiddenDim / 2);
    requireEvenHeads(hiddenDim, numHeads);
    requireDivisor("num_kv_heads", numKvHeads, numHeads);
    between("ffn_hidden_dim", ffnHiddenDim, 1, 4 * MAX_DIM);
    between("max_seq_len", maxSeqLen, 1, MAX_DIM);
    below("dropout", dropout, 0, 1);
    below("attention_dropout", attentionDropout, 0, 1);
    between("latent_dim", latentDim, 1, 20);
    if (kind == Kind.FREE) {
      between("num_layers", numLayers, 2, 4096);
      between("split_layer", splitLayer, 1, numLayers - 1);
    } else {
      between("split_layer", splitLayer, 0, numLayers);
    }
    positive("rope_theta", ropeTheta, 1e12);
    positive("norm_eps", normEps, 1);
    requireDivisor("encoder.num_kv_heads", encoder.numKvHeads(), numHeads);
  }

  /** Size of one attention head, D / heads. */
  public int headDim() {
    return hiddenDim / numHeads;
  }

  /** Number of plans C = 2^H. */
  public int planCount() {
    return 1 << latentDim;
  }

  /** Number of trained numbers of a model of this shape. */
  public long parameterCount() {
    long tables = (long) vocabSize * hiddenDim * (tieEmbeddings ? 1 : 2);
    long decoder = numLayers * blockParameterCount(numKvHeads) + hiddenDim;
    return tables + decoder + (kind == Kind.FREE ? planParameterCount() : 0);
  }

  /** What a plan adds: ζ, the encoder's block, norm and readout, and the post-sampler. */
  private long planParameterCount() {
    long mapped = latent.postSampler() == Latent.PostSampler.TABLE ? planCount() : latentDim;
    return blockParameterCount(encoder.numKvHeads()) + hiddenDim * (2 + latentDim + mapped);
  }

  private long blockParameterCount(int keyValueHeads) {
    long attention = 2L * hiddenDim * (hiddenDim + (long) keyValueHeads * headDim());
    return attention + 3L * hiddenDim * ffnHiddenDim + 2L * hiddenDim;
  }

  /** A builder at the defaults: the original repository's, about the size of Llama 2 7B. */
  public static ModelConfigBuilder builder() {
    return new ModelConfigBuilder();
  }

  /** A builder that starts from this configuration, derived values included. */
  public ModelConfigBuilder toBuilder() {
    return new ModelConfigBuilder(this);
  }

  /**
   * Reads the {@code model} section of a configuration or of a checkpoint's header.
   *
   * @throws ConfigException with the place of the first key that is unknown, ill-typed or wrong
   */
  public static ModelConfig read(ConfigNode section) {
    return read(ConfigSection.root(section));
  }

  /** Reads a section that knows its place in a larger document. */
  public static ModelConfig read(ConfigSection section) {
    return read(section, Kind.FREE);
  }

  /** The same where a section that says no kind means {@code usual}. */
  public static ModelConfig read(ConfigSection section, Kind usual) {
    return ModelConfigBuilder.read(section, usual);
  }

  /** All keys and values as {@link #read(ConfigNode)} takes them. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("kind", ConfigSection.nameOf(kind));
    map.put("vocab_size", vocabSize);
    map.put("hidden_dim", hiddenDim);
    map.put("num_layers", numLayers);
    map.put("num_heads", numHeads);
    map.put("num_kv_heads", numKvHeads);
    map.put("ffn_hidden_dim", ffnHiddenDim);
    map.put("max_seq_len", maxSeqLen);
    map.put("dropout", dropout);
    map.put("attention_dropout", attentionDropout);
    map.put("latent_dim", latentDim);
    map.put("split_layer", splitLayer);
    map.put("rope_theta", ropeTheta);
    map.put("rope_scaling", ropeScaling.toMap());
    map.put("norm_eps", normEps);
    map.put("tie_embeddings", tieEmbeddings);
    Map<String, Object> plan = new LinkedHashMap<>();
    plan.put("gradient", ConfigSection.nameOf(latent.gradient()));
    plan.put("kv_norm", latent.kvNorm());
    plan.put("post_sampler", ConfigSection.nameOf(latent.postSampler()));
    map.put("latent", plan);
    Map<String, Object> inference = new LinkedHashMap<>();
    inference.put("rope", encoder.rope());
    inference.put("num_kv_heads", encoder.numKvHeads());
    map.put("encoder", inference);
    return map;
  }

  private static void requireEvenHeads(int hiddenDim, int numHeads) {
    int unit = 2 * numHeads;
    if (hiddenDim % unit != 0) {
      int nearest = Math.max(1, Math.round((float) hiddenDim / unit)) * unit;
      String reason =
          hiddenDim % numHeads != 0
              ? "is not divisible by num_heads " + numHeads
              : "gives num_heads %d of odd size %d".formatted(numHeads, hiddenDim / numHeads);
      throw new ConfigException(
          "hidden_dim",
          "%d %s; allowed are multiples of 2 × num_heads = %d; nearest is %d"
              .formatted(hiddenDim, reason, unit, nearest));
    }
  }

  private static void requireDivisor(String key, int value, int numHeads) {
    between(key, value, 1, numHeads);
    if (numHeads % value != 0) {
      int nearest =
          IntStream.rangeClosed(1, numHeads)
              .filter(candidate -> numHeads % candidate == 0)
              .boxed()
              .min(Comparator.comparingInt(candidate -> Math.abs(candidate - value)))
              .orElseThrow();
      throw new ConfigException(
          key,
          "%d does not divide num_heads %d; nearest divisor is %d"
              .formatted(value, numHeads, nearest));
    }
  }
}

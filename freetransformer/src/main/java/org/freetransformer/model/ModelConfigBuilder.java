package org.freetransformer.model;

import java.util.function.Consumer;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.model.ModelConfig.Encoder;
import org.freetransformer.model.ModelConfig.Kind;
import org.freetransformer.model.ModelConfig.Latent;
import org.jspecify.annotations.Nullable;

/**
 * Collects the values of a {@link ModelConfig}; those not set keep their defaults. Three follow
 * from others when not set: key-value heads are the heads, the split is L/2, the encoder's
 * key-value heads are the decoder's.
 */
public final class ModelConfigBuilder {

  private Kind kind = Kind.FREE;
  private int vocabSize = 32_000;
  private int hiddenDim = 4096;
  private int numLayers = 32;
  private int numHeads = 32;
  private @Nullable Integer numKvHeads;
  private int ffnHiddenDim = 11_008;
  private int maxSeqLen = 2048;
  private double dropout;
  private double attentionDropout;
  private int latentDim = 16;
  private @Nullable Integer splitLayer;
  private double ropeTheta = 10_000;
  private RopeScaling ropeScaling = RopeScaling.NONE;
  private double normEps = 1e-6;
  private boolean tieEmbeddings = true;
  private Latent latent = Latent.PAPER;
  private boolean encoderRope = true;
  private @Nullable Integer encoderNumKvHeads;

  ModelConfigBuilder() {}

  ModelConfigBuilder(ModelConfig from) {
    kind = from.kind();
    vocabSize = from.vocabSize();
    hiddenDim = from.hiddenDim();
    numLayers = from.numLayers();
    numHeads = from.numHeads();
    numKvHeads = from.numKvHeads();
    ffnHiddenDim = from.ffnHiddenDim();
    maxSeqLen = from.maxSeqLen();
    dropout = from.dropout();
    attentionDropout = from.attentionDropout();
    latentDim = from.latentDim();
    splitLayer = from.splitLayer();
    ropeTheta = from.ropeTheta();
    ropeScaling = from.ropeScaling();
    normEps = from.normEps();
    tieEmbeddings = from.tieEmbeddings();
    latent = from.latent();
    encoderRope = from.encoder().rope();
    encoderNumKvHeads = from.encoder().numKvHeads();
  }

  /** Reads every key of the {@code model} section, and refuses the others. */
  static ModelConfig read(ConfigSection section, Kind usual) {
    ModelConfigBuilder values = new ModelConfigBuilder().kind(usual);
    values.readShape(section);
    values.readPlan(section);
    String onlyThis = "the blocks are built with it alone; remove the key or say true";
    section.onlyBuilt("use_rmsnorm", true, onlyThis);
    section.onlyBuilt("use_rope", true, onlyThis);
    section.onlyBuilt("use_swiglu", true, onlyThis);
    return section.build(values::build);
  }

  private void readShape(ConfigSection section) {
    kind = section.choice("kind", Kind.class, kind);
    vocabSize = section.integer("vocab_size", vocabSize);
    hiddenDim = section.integer("hidden_dim", hiddenDim);
    numLayers = section.integer("num_layers", numLayers);
    numHeads = section.integer("num_heads", numHeads);
    ifPresent(section, "num_kv_heads", value -> numKvHeads = value);
    ffnHiddenDim = section.integer("ffn_hidden_dim", ffnHiddenDim);
    maxSeqLen = section.integer("max_seq_len", maxSeqLen);
    dropout = section.number("dropout", dropout);
    attentionDropout = section.number("attention_dropout", attentionDropout);
    ropeTheta = section.number("rope_theta", ropeTheta);
    ropeScaling = RopeScaling.read(section.section("rope_scaling"));
    normEps = section.number("norm_eps", normEps);
    tieEmbeddings = section.flag("tie_embeddings", tieEmbeddings);
  }

  private void readPlan(ConfigSection section) {
    latentDim = section.integer("latent_dim", latentDim);
    ifPresent(section, "split_layer", value -> splitLayer = value);
    ConfigSection plan = section.section("latent");
    latent =
        new Latent(
            plan.choice("gradient", Latent.Gradient.class, latent.gradient()),
            plan.flag("kv_norm", latent.kvNorm()),
            plan.choice("post_sampler", Latent.PostSampler.class, latent.postSampler()));
    plan.refuseUnknownKeys();
    ConfigSection inference = section.section("encoder");
    encoderRope = inference.flag("rope", encoderRope);
    ifPresent(inference, "num_kv_heads", value -> encoderNumKvHeads = value);
    inference.refuseUnknownKeys();
  }

  private static void ifPresent(ConfigSection section, String key, Consumer<Integer> set) {
    if (section.has(key)) {
      set.accept(section.integer(key, 0));
    }
  }

  /**
   * The checked configuration.
   *
   * @throws org.freetransformer.config.ConfigException if a value or a combination is wrong
   */
  public ModelConfig build() {
    int kvHeads = numKvHeads == null ? numHeads : numKvHeads;
    return new ModelConfig(
        kind,
        vocabSize,
        hiddenDim,
        numLayers,
        numHeads,
        kvHeads,
        ffnHiddenDim,
        maxSeqLen,
        dropout,
        attentionDropout,
        latentDim,
        splitLayer == null ? numLayers / 2 : splitLayer,
        ropeTheta,
        ropeScaling,
        normEps,
        tieEmbeddings,
        latent,
        new Encoder(encoderRope, encoderNumKvHeads == null ? kvHeads : encoderNumKvHeads));
  }

  /** Free Transformer or baseline. */
  public ModelConfigBuilder kind(Kind value) {
    kind = value;
    return this;
  }

  /** Vocabulary V. */
  public ModelConfigBuilder vocabSize(int value) {
    vocabSize = value;
    return this;
  }

  /** Hidden size D. */
  public ModelConfigBuilder hiddenDim(int value) {
    hiddenDim = value;
    return this;
  }

  /** Layers L; an unset split follows as L/2. */
  public ModelConfigBuilder numLayers(int value) {
    numLayers = value;
    return this;
  }

  /** Query heads. */
  public ModelConfigBuilder numHeads(int value) {
    numHeads = value;
    return this;
  }

  /** Key and value heads. */
  public ModelConfigBuilder numKvHeads(int value) {
    numKvHeads = value;
    return this;
  }

  /** Inner size of SwiGLU. */
  public ModelConfigBuilder ffnHiddenDim(int value) {
    ffnHiddenDim = value;
    return this;
  }

  /** Longest sequence in tokens. */
  public ModelConfigBuilder maxSeqLen(int value) {
    maxSeqLen = value;
    return this;
  }

  /** Rate on the attention output. */
  public ModelConfigBuilder dropout(double value) {
    dropout = value;
    return this;
  }

  /** Rate on the attention weights. */
  public ModelConfigBuilder attentionDropout(double value) {
    attentionDropout = value;
    return this;
  }

  /** Plan bits H. */
  public ModelConfigBuilder latentDim(int value) {
    latentDim = value;
    return this;
  }

  /** Blocks before the plan enters. */
  public ModelConfigBuilder splitLayer(int value) {
    splitLayer = value;
    return this;
  }

  /** Base of the rotary positions. */
  public ModelConfigBuilder ropeTheta(double value) {
    ropeTheta = value;
    return this;
  }

  /** How rotary positions are stretched to long texts. */
  public ModelConfigBuilder ropeScaling(RopeScaling value) {
    ropeScaling = value;
    return this;
  }

  /** Epsilon of RMSNorm. */
  public ModelConfigBuilder normEps(double value) {
    normEps = value;
    return this;
  }

  /** Whether the output shares the embedding's matrix. */
  public ModelConfigBuilder tieEmbeddings(boolean value) {
    tieEmbeddings = value;
    return this;
  }

  /** How the plan is learnt and enters. */
  public ModelConfigBuilder latent(Latent value) {
    latent = value;
    return this;
  }

  /** Whether the encoder knows positions. */
  public ModelConfigBuilder encoderRope(boolean value) {
    encoderRope = value;
    return this;
  }

  /** The encoder's key and value heads. */
  public ModelConfigBuilder encoderNumKvHeads(int value) {
    encoderNumKvHeads = value;
    return this;
  }
}

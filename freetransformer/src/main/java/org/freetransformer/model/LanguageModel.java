package org.freetransformer.model;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.nn.Attention;
import org.freetransformer.nn.Embedding;
import org.freetransformer.nn.KeyValueCache;
import org.freetransformer.nn.Linear;
import org.freetransformer.nn.LlamaBlock;
import org.freetransformer.nn.Module;
import org.freetransformer.nn.OutputLoss;
import org.freetransformer.nn.RmsNorm;
import org.freetransformer.nn.Rope;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** What the Free Transformer and its baseline share: embedding, blocks of one shape, and output. */
public abstract sealed class LanguageModel extends Module permits FreeTransformer, Baseline {
  private final Engine engine;
  private final ModelConfig config;
  private final Rope rope;
  final Embedding tokenEmbedding;

  LanguageModel(Engine engine, ModelConfig config) {
    this.engine = engine;
    this.config = config;
    try (Engine.Mode _ = engine.deferParameters()) {
      this.tokenEmbedding =
          child("token_embedding", new Embedding(engine, config.vocabSize(), config.hiddenDim()));
    }
    this.rope =
        new Rope(
            engine,
            config.maxSeqLen(),
            config.ropeScaling().frequencies(config.headDim(), config.ropeTheta()));
  }

  /**
   * Gives all parameters memory and their first values, unless the engine defers that: the end of a
   * constructor, which made them without. If memory does not suffice, nothing stays taken.
   */
  final void allocateParameters() {
    try {
      if (!engine.parametersDeferred()) {
        parameters().values().forEach(parameter -> parameter.allocate(engine));
      }
    } catch (RuntimeException | Error failure) {
      close();
      throw failure;
    }
  }

  /**
   * A model with new weights, drawn from the engine's random stream; or without, where the engine
   * defers them. If memory does not suffice, nothing of it stays taken.
   */
  public static LanguageModel create(Engine engine, ModelConfig config) {
    return switch (config.kind()) {
      case FREE -> new FreeTransformer(engine, config);
      case BASELINE -> new Baseline(engine, config);
    };
  }

  /** A model whose parameters have no memory, for whoever replaces them all: none are drawn. */
  public static LanguageModel createWithoutWeights(Engine engine, ModelConfig config) {
    try (Engine.Mode _ = engine.deferParameters()) {
      return create(engine, config);
    }
  }

  /** The engine that computes with this model. */
  public final Engine engine() {
    return engine;
  }

  /** The model's shape. */
  public final ModelConfig config() {
    return config;
  }

  /**
   * One pass over tokens whose plans are given, up to the output layer: whoever needs the logits of
   * some positions only, calls {@link #logits} for those.
   *
   * @param tokens i32 [B, T]
   * @param plans i32 [B, T], the plan index of every token; ignored by a baseline, and may then be
   *     null
   * @param sequence where the tokens stand
   * @param caches one for each of {@link #newCaches}, or null without caches
   * @return the final norm's output [B, T, D]
   * @throws IllegalArgumentException if a model with a plan gets none
   */
  public abstract Tensor hidden(
      Tensor tokens,
      @Nullable Tensor plans,
      Sequence sequence,
      @Nullable List<KeyValueCache> caches);

  /** Logits [.., V] of final hidden vectors [.., D]. */
  public abstract Tensor logits(Tensor hidden);

  /**
   * The cross-entropies of targets, for which logits are never all in memory if they are many.
   *
   * @param hidden final hidden vectors [B, T, D]
   * @param targets i32 [B, T]
   */
  public final OutputLoss outputLoss(Tensor hidden, Tensor targets) {
    return OutputLoss.of(this::logits, config.vocabSize(), hidden, targets);
  }

  /** Empty caches, one a decoder block, for B sequences of at most {@code capacity} tokens. */
  public final List<KeyValueCache> newCaches(int batch, int capacity) {
    List<KeyValueCache> caches = new ArrayList<>();
    try {
      for (int i = 0; i < config.numLayers(); i++) {
        caches.add(
            new KeyValueCache(engine, batch, capacity, config.numKvHeads(), config.headDim()));
      }
      return caches;
    } catch (RuntimeException | Error failure) {
      caches.forEach(KeyValueCache::close);
      throw failure;
    }
  }

  final Rope rope() {
    return rope;
  }

  final LlamaBlock.Config blockConfig(int keyValueHeads) {
    Attention.Config attention =
        new Attention.Config(
            config.hiddenDim(),
            config.numHeads(),
            keyValueHeads,
            config.attentionDropout(),
            config.dropout());
    return new LlamaBlock.Config(
        attention, config.ffnHiddenDim(), config.normEps(), config.latent().kvNorm());
  }

  final List<LlamaBlock> blocks(String name, int count) {
    List<LlamaBlock> blocks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      blocks.add(
          child(name + "." + i, new LlamaBlock(engine, blockConfig(config.numKvHeads()), rope)));
    }
    return List.copyOf(blocks);
  }

  final RmsNorm finalNorm() {
    return child("norm", new RmsNorm(engine, config.hiddenDim(), config.normEps()));
  }

  final @Nullable Linear untiedOutput() {
    return config.tieEmbeddings()
        ? null
        : child("output", new Linear(engine, config.hiddenDim(), config.vocabSize()));
  }

  /**
   * x [B, T, D] through some blocks, one after the other. Where no backward pass can follow, and no
   * program plans its memory, a block's activations are freed before the next block begins.
   *
   * @param caches one for each block of the model, or null
   * @param first number of the first of these blocks in the model
   */
  static Tensor through(
      List<LlamaBlock> blocks,
      Tensor x,
      Sequence sequence,
      @Nullable List<KeyValueCache> caches,
      int first) {
    Engine engine = x.engine();
    boolean frees = !engine.gradEnabled() && !engine.isRecording();
    Tensor y = x;
    int layer = first;
    for (LlamaBlock block : blocks) {
      KeyValueCache cache = cache(caches, layer++);
      Tensor before = y;
      y = frees ? freeing(block, y, sequence, cache) : block.forward(y, sequence, cache);
      if (frees && before != x) {
        before.close();
      }
    }
    return y;
  }

  private static Tensor freeing(
      LlamaBlock block, Tensor x, Sequence sequence, @Nullable KeyValueCache cache) {
    try (Scope activations = x.engine().scope("activations")) {
      return activations.handOver(block.forward(x, sequence, cache));
    }
  }

  static @Nullable KeyValueCache cache(@Nullable List<KeyValueCache> caches, int layer) {
    return caches == null ? null : caches.get(layer);
  }

  @Override
  public void close() {
    super.close();
    rope.close();
  }
}

package org.freetransformer.model;

import java.util.List;
import java.util.Objects;
import org.freetransformer.nn.BinaryMapper;
import org.freetransformer.nn.KeyValueCache;
import org.freetransformer.nn.Linear;
import org.freetransformer.nn.LlamaBlock;
import org.freetransformer.nn.PlanEncoder;
import org.freetransformer.nn.RmsNorm;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The Free Transformer (F. Fleuret, arXiv 2510.17558, Algorithm 2): a decoder that is told a random
 * plan Z half-way, and an encoder that, in training, infers which plan the text was written to.
 *
 * <pre>{@code
 * x = embedding(tokens)                                  [B, T, D]
 * x = block_1 .. block_{L/2}(x)                          causal
 * TRAIN, PREFILL_ENCODE:
 *   y = encoderBlock(q = ζ repeated over T, kv = x)      not causal
 *   planLogits = readout(norm(y))                        [B, T, H]
 *   z = binaryMapper(planLogits)                         one of 2^H plans per position
 * GENERATE:
 *   z drawn uniformly, once per position, by the caller
 * r = postSampler[z]                                     [B, T, D]
 * x = block_{L/2+1}(q = x, kv = x + r)                   causal
 * x = block_{L/2+2} .. block_L(x)
 * logits = output(norm(x))                               [B, T, V]
 * }</pre>
 */
public final class FreeTransformer extends LanguageModel {
  private static final String READOUT = "encoder.readout.weight";
  private static final String POST_SAMPLER = "latent_plan.post_sampler_fc.weight";

  /** Parameters that {@link #redrawBit} changes. */
  public static final List<String> REDRAWN = List.of(READOUT, POST_SAMPLER);

  /** Is told of slices of parameters. */
  @FunctionalInterface
  public interface Slices {
    /** Those elements of a parameter whose place along an axis is {@code index}. */
    void slice(String parameter, int axis, int index);
  }

  /** Where the plan comes from. */
  public enum Mode {
    /** From the encoder, with a gradient. */
    TRAIN,
    /** From the encoder, without: the plan of a text that is there, such as a prompt. */
    PREFILL_ENCODE,
    /** From the caller, who drew it from the uniform prior or chose it. */
    GENERATE
  }

  /**
   * What a forward pass gives.
   *
   * @param hidden the final norm's output [B, T, D]
   * @param plans i32 [B, T], the plan that was used
   * @param planLogits [B, T, H], or null if no encoder ran
   */
  public record Result(Tensor hidden, Tensor plans, @Nullable Tensor planLogits) {}

  private final List<LlamaBlock> firstHalf;
  private final PlanEncoder encoder;
  private final BinaryMapper latentPlan;
  private final List<LlamaBlock> secondHalf;
  private final RmsNorm norm;
  private final @Nullable Linear output;

  /** A model with new weights, drawn from the engine's random stream. */
  public FreeTransformer(Engine engine, ModelConfig config) {
    super(engine, config);
    try (Engine.Mode _ = engine.deferParameters()) {
      firstHalf = blocks("first_half_blocks", config.splitLayer());
      encoder =
          child(
              "encoder",
              new PlanEncoder(
                  engine,
                  blockConfig(config.encoder().numKvHeads()),
                  config.encoder().rope() ? rope() : null,
                  config.latentDim()));
      latentPlan =
          child(
              "latent_plan",
              new BinaryMapper(
                  engine, mapperKind(config.latent()), config.latentDim(), config.hiddenDim()));
      secondHalf = blocks("second_half_blocks", config.numLayers() - config.splitLayer());
      norm = finalNorm();
      output = untiedOutput();
    }
    allocateParameters();
  }

  /**
   * One pass over tokens.
   *
   * @param tokens i32 [B, T]
   * @param mode where the plan comes from
   * @param given i32 [B, T], the plan in mode GENERATE; else null
   * @param threshold whether an inferred plan takes each bit as p > ½ instead of drawing it
   * @param sequence where the tokens stand
   * @param caches keys and values of earlier tokens, one for each block, or null
   * @throws IllegalArgumentException if a plan is given in a mode other than GENERATE, or none
   *     there
   */
  public Result forward(
      Tensor tokens,
      Mode mode,
      @Nullable Tensor given,
      boolean threshold,
      Sequence sequence,
      @Nullable List<KeyValueCache> caches) {
    if ((mode == Mode.GENERATE) != (given != null)) {
      throw new IllegalArgumentException(
          "mode GENERATE needs a plan for every token, the other modes infer it; this is %s with %s"
              .formatted(mode, given == null ? "none" : "a plan"));
    }
    Tensor x = firstHalf(tokens, sequence, caches);

    Tensor planLogits = null;
    Tensor plans;
    Tensor r;
    switch (mode) {
      case TRAIN -> {
        planLogits = planLogits(x, sequence);
        plans = latentPlan.sample(planLogits, threshold);
        r = latentPlan.forward(planLogits, plans);
      }
      case PREFILL_ENCODE -> {
        planLogits = planLogits(x, sequence);
        plans = latentPlan.sample(planLogits, threshold);
        r = latentPlan.forward(plans);
      }
      case GENERATE -> {
        plans = Objects.requireNonNull(given);
        r = latentPlan.forward(plans);
      }
      default -> throw new AssertionError(mode);
    }
    return new Result(decode(x, r, sequence, caches), plans, planLogits);
  }

  /**
   * Embedding and the blocks before the plan: i32 [B, T] to x [B, T, D]. With {@link #planLogits}
   * and {@link #secondHalf} this is {@link #forward} in three steps, for those who draw several
   * plans for one text, or choose them in between.
   *
   * @param caches keys and values of earlier tokens, one for each block of the model, or null
   */
  public Tensor firstHalf(Tensor tokens, Sequence sequence, @Nullable List<KeyValueCache> caches) {
    return through(firstHalf, tokenEmbedding.forward(tokens), sequence, caches, 0);
  }

  /** What the encoder infers from the first half's output: [B, T, D] to plan logits [B, T, H]. */
  public Tensor planLogits(Tensor x, Sequence sequence) {
    return encoder.forward(x, sequence);
  }

  /**
   * The blocks from the plan on.
   *
   * @param x [B, T, D], the first half's output
   * @param plans i32 [B, T]
   * @param caches as in {@link #firstHalf}
   * @return the final norm's output [B, T, D]
   */
  public Tensor secondHalf(
      Tensor x, Tensor plans, Sequence sequence, @Nullable List<KeyValueCache> caches) {
    return decode(x, latentPlan.forward(plans), sequence, caches);
  }

  private Tensor decode(
      Tensor x, Tensor r, Sequence sequence, @Nullable List<KeyValueCache> caches) {
    int middle = firstHalf.size();
    Tensor told = secondHalf.getFirst().forward(x, x.add(r), sequence, cache(caches, middle));
    List<LlamaBlock> others = secondHalf.subList(1, secondHalf.size());
    return norm.forward(through(others, told, sequence, caches, middle + 1));
  }

  /**
   * Draws one bit of the plan anew, from the engine's random stream: how the encoder infers it, and
   * what it says to the decoder. It changes the parameters {@link #REDRAWN}.
   *
   * @param own told which weights are the bit's own, of which an optimizer should forget what it
   *     knew
   */
  public void redrawBit(int bit, Slices own) {
    encoder.redrawBit(bit);
    own.slice(READOUT, 0, bit);
    latentPlan.redrawBit(bit);
    if (latentPlan.hasColumns()) {
      own.slice(POST_SAMPLER, 1, bit);
    }
  }

  @Override
  public Tensor hidden(
      Tensor tokens,
      @Nullable Tensor plans,
      Sequence sequence,
      @Nullable List<KeyValueCache> caches) {
    return forward(tokens, Mode.GENERATE, plans, false, sequence, caches).hidden();
  }

  @Override
  public Tensor logits(Tensor hidden) {
    return output == null ? tokenEmbedding.unembed(hidden) : output.forwardInFull(hidden);
  }

  private static BinaryMapper.Kind mapperKind(ModelConfig.Latent latent) {
    return switch (latent.postSampler()) {
      case BITS -> BinaryMapper.Kind.BITS;
      case TABLE ->
          switch (latent.gradient()) {
            case FULL -> BinaryMapper.Kind.TABLE_FULL_GRADIENT;
            case SAMPLED -> BinaryMapper.Kind.TABLE_SAMPLED_GRADIENT;
          };
    };
  }
}

package org.freetransformer.model;

import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.freetransformer.nn.Module;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;

/** Models small enough to test, with weights large enough for every part to matter. */
public final class SmallModels {
  private SmallModels() {}

  /** D 16 in 4 heads with 2 key-value heads, 4 layers, 11 tokens, plans of 3 bits. */
  public static ModelConfigBuilder config(ModelConfig.Kind kind) {
    return ModelConfig.builder()
        .kind(kind)
        .vocabSize(11)
        .hiddenDim(16)
        .numLayers(4)
        .numHeads(4)
        .numKvHeads(2)
        .ffnHiddenDim(24)
        .maxSeqLen(12)
        .latentDim(3);
  }

  /** A model of this shape whose every weight, the post-sampler's too, is drawn anew. */
  public static LanguageModel scrambled(Engine engine, ModelConfig config) {
    LanguageModel model = LanguageModel.create(engine, config);
    scramble(model, new Random(7));
    return model;
  }

  /** Draws every weight of a module from N(0, 0.3²). */
  public static void scramble(Module module, Random random) {
    module
        .parameters()
        .values()
        .forEach(parameter -> {
          float[] values = new float[Math.toIntExact(parameter.size())];
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) (0.3 * random.nextGaussian());
          }
          parameter.value().set(values);
        });
  }

  /** The parameter of a name. */
  public static Parameter parameter(Module module, String name) {
    return Objects.requireNonNull(module.parameters().get(name), name);
  }

  /** A whole causal sequence of {@code length} tokens. */
  public static Sequence whole(Engine engine, int length) {
    int[] places = new int[length];
    Arrays.setAll(places, t -> t);
    return Sequence.whole(engine.tensor(places, length));
  }

  /** Logits [T][V] of a text of its own, read at once, given its plans. */
  public static float[][] logits(LanguageModel model, int[] tokens, int[] plans) {
    Engine engine = model.engine();
    try (var _ = engine.scope("test");
        var _ = engine.noGrad()) {
      int length = tokens.length;
      Tensor given = model instanceof FreeTransformer ? engine.tensor(plans, 1, length) : null;
      Tensor hidden =
          model.hidden(engine.tensor(tokens, 1, length), given, whole(engine, length), null);
      float[] flat = model.logits(hidden).toFloats();
      int vocabulary = model.config().vocabSize();
      float[][] rows = new float[length][];
      Arrays.setAll(rows, t -> Arrays.copyOfRange(flat, t * vocabulary, (t + 1) * vocabulary));
      return rows;
    }
  }

  /** Random numbers from 0 to {@code end} − 1. */
  public static int[] numbers(Random random, int count, int end) {
    return random.ints(count, 0, end).toArray();
  }

  /** A Free Transformer for plan-letters, whose dropout draws random numbers. */
  public static ModelConfig forPlanLetters() {
    return config(ModelConfig.Kind.FREE)
        .numLayers(2)
        .vocabSize(29)
        .maxSeqLen(65)
        .dropout(0.1)
        .build();
  }
}

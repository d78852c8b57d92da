package org.freetransformer.bench.suite;

import java.util.Locale;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.ModelConfig.Latent;
import org.freetransformer.tensor.Engine;

/**
 * The most memory off the heap that generation holds: weights, keys and values, and what is
 * computed of a prompt and of a token.
 *
 * @param name of the model
 * @param baseline bytes of a model without plans
 * @param bits bytes of a Free Transformer whose plans enter through a linear map of their bits
 * @param table bytes of one that has a row for each plan
 */
public record GenerationMemory(String name, long baseline, long bits, long table) {
  private static final double MIB = 1 << 20;

  /** That of the model whose generation {@link FreeSuite} times, for one row. */
  public static GenerationMemory measure() {
    ModelConfig model = FreeSuite.generationModel();
    String name =
        "L %d, D %d, %d positions"
            .formatted(model.numLayers(), model.hiddenDim(), model.maxSeqLen());
    return measure(name, model);
  }

  /**
   * That of models of one size.
   *
   * @param size of all three; its kind and the way in which plans enter do not matter
   */
  static GenerationMemory measure(String name, ModelConfig size) {
    return new GenerationMemory(
        name,
        peak(size.toBuilder().kind(ModelConfig.Kind.BASELINE).build()),
        peak(free(size, Latent.PostSampler.BITS)),
        peak(free(size, Latent.PostSampler.TABLE)));
  }

  private static ModelConfig free(ModelConfig size, Latent.PostSampler sampler) {
    Latent latent = new Latent(Latent.Gradient.FULL, true, sampler);
    return size.toBuilder().kind(ModelConfig.Kind.FREE).latent(latent).build();
  }

  private static long peak(ModelConfig config) {
    Engine engine = Place.cpu(1).engine();
    LanguageModel model = LanguageModel.create(engine, config);
    try (Decoding decoding = new Decoding(engine, model, 1, config.maxSeqLen() - 1)) {
      decoding.step();
      return engine.device().memory().peakBytes();
    }
  }

  /** A paragraph in Markdown. */
  public String remark() {
    return String.format(
        Locale.ROOT,
        """
        Memory off the heap for generation (weights, keys and values, what is computed), %s, one row:
        the baseline %.1f MiB; with a plan of bits %.1f (%+.0f %%); with a table of plans %.1f (%+.0f %%).
        The encoder is part of both, and is not computed unless a prompt's plans are inferred.
        """,
        name,
        baseline / MIB,
        bits / MIB,
        more(bits),
        table / MIB,
        more(table));
  }

  private double more(long bytes) {
    return 100.0 * bytes / baseline - 100;
  }
}

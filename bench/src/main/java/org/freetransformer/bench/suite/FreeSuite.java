package org.freetransformer.bench.suite;

import java.util.List;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.ModelConfig.Latent;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.TrainingConfig;

/**
 * What the plan costs: a Free Transformer's training step beside that of a baseline with as many
 * decoder blocks and the same batch, which stands as the limit. Both are the trainer's.
 */
public final class FreeSuite implements Suite {
  /** Its name on the command line. */
  public static final String NAME = "free";

  private static final int VOCABULARY = 8192;

  /**
   * A model and a batch.
   *
   * @param layers L
   * @param width D
   * @param inner F
   * @param batch B
   * @param length T
   * @param gradient which plans the gradient runs through
   */
  private record Case(
      int layers, int width, int inner, int batch, int length, Latent.Gradient gradient) {
    String name() {
      String plans = gradient == Latent.Gradient.FULL ? "all plans" : "sampled plan";
      return "L %d, D %d, %s".formatted(layers, width, plans);
    }

    ModelConfig model(ModelConfig.Kind kind) {
      return ModelConfig.builder()
          .kind(kind)
          .vocabSize(VOCABULARY)
          .hiddenDim(width)
          .numLayers(layers)
          .numHeads(width / 64)
          .numKvHeads(width / 64)
          .ffnHiddenDim(inner)
          .maxSeqLen(length)
          .tieEmbeddings(true)
          .latent(new Latent(gradient, true, Latent.PostSampler.TABLE))
          .build();
    }

    TrainerStep step(ModelConfig.Kind kind, int threads) {
      TrainingConfig training = TrainingConfig.builder().batchSize(batch).gradClip(1).build();
      return TrainerStep.random(model(kind), training, threads, Ranks.ONE);
    }

    /** The mapper's floating-point operations as a share of the baseline's step. */
    double mapperShare() {
      if (gradient == Latent.Gradient.SAMPLED) {
        return 0;
      }
      ModelConfig baseline = model(ModelConfig.Kind.BASELINE);
      double product = 2.0 * batch * length * width * (1 << baseline.latentDim());
      return product / StepSuite.usefulFlops(baseline, batch);
    }
  }

  private static final List<Case> CASES =
      List.of(
          new Case(4, 512, 1376, 4, 256, Latent.Gradient.FULL),
          new Case(4, 512, 1376, 4, 256, Latent.Gradient.SAMPLED),
          new Case(12, 256, 688, 4, 128, Latent.Gradient.FULL));

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<String> cases() {
    return CASES.stream().map(Case::name).toList();
  }

  @Override
  public List<String> quickCases() {
    return List.of(CASES.getLast().name());
  }

  /**
   * How much longer than the baseline's a step may take: one more block in L, the mapper's
   * arithmetic, and two points.
   *
   * @param name one of the cases
   */
  public static double overheadAllowed(String name) {
    Case one = named(name);
    return 1.0 / one.layers() + one.mapperShare() + 0.02;
  }

  private static Case named(String name) {
    return CASES.stream()
        .filter(one -> one.name().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException("no case of suite free is named '%s'".formatted(name)));
  }

  @Override
  public Contest open(String name, Place place) {
    Case one = named(name);
    TrainerStep ours = one.step(ModelConfig.Kind.FREE, place.threads());
    TrainerStep baseline = one.step(ModelConfig.Kind.BASELINE, place.threads());
    double tokens = (double) one.batch() * one.length();
    return Contest.tokens(tokens, ours, baseline, ours::close, baseline::close);
  }
}

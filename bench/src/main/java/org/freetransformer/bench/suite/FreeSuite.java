package org.freetransformer.bench.suite;

import java.util.List;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.ModelConfig.Latent;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.TrainingConfig;

/**
 * What the plan costs: a Free Transformer's training step, the trainer's, and its generation beside
 * those of a baseline with as many decoder blocks and the same batch, which stand as the limit.
 */
public final class FreeSuite implements Suite {
  /** Its name on the command line. */
  public static final String NAME = "free";

  private static final int VOCABULARY = 8192;

  /** What is done with a model, and what of the plan it needs. */
  private enum Work {
    /** A training step whose gradient runs through all plans. */
    ALL_PLANS("all plans"),
    /** A training step whose gradient runs through the plan that was drawn. */
    SAMPLED_PLAN("sampled plan"),
    /** A token after half as many as the model has positions. */
    TOKEN("a token"),
    /** A prompt as long as the model's positions, to plans that are given. */
    PROMPT("a prompt"),
    /** The same prompt; the encoder infers its plans. */
    INFERRED_PROMPT("an inferred prompt");

    private final String label;

    Work(String label) {
      this.label = label;
    }

    boolean trains() {
      return this == ALL_PLANS || this == SAMPLED_PLAN;
    }

    boolean encodes() {
      return trains() || this == INFERRED_PROMPT;
    }
  }

  /**
   * A model, a batch, and what is done with them.
   *
   * @param layers L
   * @param width D
   * @param inner F
   * @param batch B
   * @param length T
   */
  private record Case(int layers, int width, int inner, int batch, int length, Work work) {
    String name() {
      return "L %d, D %d, %s".formatted(layers, width, work.label);
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
          .latent(new Latent(gradient(), true, Latent.PostSampler.TABLE))
          .build();
    }

    private Latent.Gradient gradient() {
      return work == Work.SAMPLED_PLAN ? Latent.Gradient.SAMPLED : Latent.Gradient.FULL;
    }

    TrainerStep step(ModelConfig.Kind kind, int threads) {
      TrainingConfig training = TrainingConfig.builder().batchSize(batch).gradClip(1).build();
      return TrainerStep.random(model(kind), training, threads, Ranks.ONE);
    }

    Decoding decoding(ModelConfig.Kind kind, int threads) {
      Engine engine = Place.cpu(threads).engine();
      LanguageModel model = LanguageModel.create(engine, model(kind));
      int held = work == Work.TOKEN ? length / 2 : length;
      boolean inferred = work == Work.INFERRED_PROMPT && kind == ModelConfig.Kind.FREE;
      return new Decoding(engine, model, batch, held, inferred);
    }

    /** The mapper's floating-point operations as a share of the baseline's step. */
    double mapperShare() {
      if (work != Work.ALL_PLANS) {
        return 0;
      }
      ModelConfig baseline = model(ModelConfig.Kind.BASELINE);
      double product = 2.0 * batch * length * width * (1 << baseline.latentDim());
      return product / StepSuite.usefulFlops(baseline, batch);
    }
  }

  private static final List<Case> CASES =
      List.of(
          new Case(4, 512, 1376, 4, 256, Work.ALL_PLANS),
          new Case(4, 512, 1376, 4, 256, Work.SAMPLED_PLAN),
          new Case(12, 256, 688, 4, 128, Work.ALL_PLANS),
          new Case(4, 512, 1376, 1, 256, Work.TOKEN),
          new Case(4, 512, 1376, 1, 256, Work.PROMPT),
          new Case(4, 512, 1376, 1, 256, Work.INFERRED_PROMPT));

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
    return List.of("L 12, D 256, all plans", "L 4, D 512, a token");
  }

  /**
   * How much longer than the baseline's it may take: one more block in L where plans are inferred,
   * the arithmetic of the mapper's gradient where there is one, and two points.
   *
   * @param name one of the cases
   */
  public static double overheadAllowed(String name) {
    Case one = named(name);
    double encoder = one.work().encodes() ? 1.0 / one.layers() : 0;
    return encoder + one.mapperShare() + 0.02;
  }

  /** The baseline beside which generation is timed. */
  static ModelConfig generationModel() {
    return CASES.getLast().model(ModelConfig.Kind.BASELINE);
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
    return one.work().trains() ? step(one, place) : generation(one, place);
  }

  private static Contest step(Case one, Place place) {
    TrainerStep ours = one.step(ModelConfig.Kind.FREE, place.threads());
    TrainerStep baseline = one.step(ModelConfig.Kind.BASELINE, place.threads());
    double tokens = (double) one.batch() * one.length();
    return Contest.tokens(tokens, ours, baseline, ours::close, baseline::close);
  }

  private static Contest generation(Case one, Place place) {
    Decoding ours = one.decoding(ModelConfig.Kind.FREE, place.threads());
    Decoding baseline = one.decoding(ModelConfig.Kind.BASELINE, place.threads());
    if (one.work() == Work.TOKEN) {
      return Contest.tokens(one.batch(), ours::step, baseline::step, ours::close, baseline::close);
    }
    double tokens = (double) one.batch() * one.length();
    return Contest.tokens(
        tokens, ours::readPrompt, baseline::readPrompt, ours::close, baseline::close);
  }
}

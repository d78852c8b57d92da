package org.freetransformer.eval;

import java.util.List;
import java.util.function.LongPredicate;
import org.freetransformer.config.Limits;
import org.freetransformer.data.Batch;
import org.freetransformer.data.Batches;
import org.freetransformer.model.Baseline;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.PlanPosterior;
import org.freetransformer.nn.Resources;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.ExampleRandom;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Measures a model on held-out text by recorded programs, without changing it. Plans are drawn by
 * seed, example and position: what comes out depends neither on the batch size nor on what was
 * measured before.
 */
public final class Evaluator implements AutoCloseable {
  /** Most plans that can be drawn for each text. */
  public static final int MOST_SAMPLES = 1 << 16;

  private final LanguageModel model;
  private final int samples;
  private final BatchTensors inputs;
  private final @Nullable PlanPrograms planned;
  private final @Nullable Program plain;
  private final Resources resources;

  private Evaluator(LanguageModel model, int size, int length, int samples) {
    Engine engine = model.engine();
    this.model = model;
    this.samples = model instanceof FreeTransformer ? samples : 0;
    boolean training = model.isTraining();
    model.train(false);
    try (Resources parts = new Resources();
        Engine.Mode _ = engine.noGrad()) {
      inputs = parts.add(new BatchTensors(engine, size, length));
      planned =
          model instanceof FreeTransformer free ? parts.add(new PlanPrograms(free, inputs)) : null;
      plain =
          model instanceof Baseline baseline
              ? parts.add(Program.record(engine, () -> List.of(crossEntropies(baseline, inputs))))
              : null;
      resources = parts.keep();
    } finally {
      model.train(training);
    }
  }

  /**
   * Records an evaluation with drawn plans, for batches of B = {@code size} examples of T = {@code
   * length} tokens.
   *
   * @param samples K, plans drawn from the encoder for each text
   * @throws IllegalArgumentException if K is not from 1 to {@link #MOST_SAMPLES}
   */
  public static Evaluator sampling(LanguageModel model, int size, int length, int samples) {
    Limits.between("samples", samples, 1, MOST_SAMPLES);
    return new Evaluator(model, size, length, samples);
  }

  /** The same with the likeliest plan, each bit by threshold ½, in place of drawn ones. */
  public static Evaluator deterministic(LanguageModel model, int size, int length) {
    return new Evaluator(model, size, length, 0);
  }

  private static Tensor crossEntropies(Baseline baseline, BatchTensors inputs) {
    Tensor hidden = baseline.hidden(inputs.tokens(), null, inputs.sequence(), null);
    return baseline.outputLoss(hidden, inputs.targets()).losses();
  }

  /** Evaluates the first {@code examples} held-out examples, or all if there are fewer. */
  public Evaluation evaluate(Batches batches, long examples) {
    return evaluate(batches, examples, _ -> true);
  }

  /**
   * Evaluates the first {@code examples} held-out examples, or all if there are fewer.
   *
   * @param goOn asked before each batch, with the number of examples done; false ends the
   *     evaluation with what was measured so far
   * @return means over all counted tokens; the same for the same model, data and seed of the engine
   * @throws IllegalArgumentException if {@code examples} is not positive, or the data has a token
   *     that the model has not
   */
  public Evaluation evaluate(Batches batches, long examples, LongPredicate goOn) {
    if (examples < 1) {
      throw new IllegalArgumentException(
          "%d examples: evaluation needs 1 or more".formatted(examples));
    }
    long end = Math.min(examples, batches.examples());
    EvaluationSums sums = new EvaluationSums(planned == null ? 0 : model.config().latentDim());
    for (long first = 0; first < end && goOn.test(first); first += batches.batchSize()) {
      Batch batch = batches.upTo(first, end);
      batch.requireVocabulary(model.config().vocabSize());
      inputs.set(batch);
      sums.count(batch.countedTargets());
      if (planned != null) {
        measure(planned, batch, first, sums);
      } else if (plain != null) {
        plain.run();
        sums.addReconstruction(plain.outputs().getFirst().toFloats());
      }
    }
    return sums.result(samples);
  }

  private void measure(PlanPrograms programs, Batch batch, long first, EvaluationSums sums) {
    PlanPosterior posterior = programs.encode();
    float[] counts = BatchTensors.planCounts(batch);
    sums.addPlans(batch, programs.planLogits(), programs.klPerBit(), counts);
    if (samples == 0) {
      sums.addReconstruction(programs.crossEntropies(posterior.likeliest()));
    } else {
      ImportanceWeights weights = new ImportanceWeights(batch.size(), samples);
      for (int k = 0; k < samples; k++) {
        int[] plans = posterior.draw(random("posterior plans " + k), first);
        float[] losses = programs.crossEntropies(plans);
        sums.addReconstruction(losses);
        weights.add(k, losses, plans, posterior, counts);
      }
      sums.addWeightedBound(weights.negativeLogMeans());
    }
    int bits = model.config().latentDim();
    PlanPosterior prior = PlanPosterior.prior(batch.size(), batch.length(), bits);
    sums.addPrior(programs.crossEntropies(prior.draw(random("prior plans"), first)));
  }

  private ExampleRandom random(String purpose) {
    return new ExampleRandom(model.engine().random().seed(), purpose);
  }

  @Override
  public void close() {
    resources.close();
  }
}

package org.freetransformer.eval;

import java.util.List;
import java.util.function.LongPredicate;
import org.freetransformer.data.Batch;
import org.freetransformer.data.Batches;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.PlanPosterior;
import org.freetransformer.nn.Resources;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.ExampleRandom;

/**
 * What a model's plans mean on held-out text: how they use their bits, how well position and token
 * tell them, and what flipping one does to the next token.
 */
public final class PlanAnalysis implements AutoCloseable {
  private final FreeTransformer model;
  private final BatchTensors inputs;
  private final PlanPrograms programs;
  private final PlanSteering steering;
  private final Resources resources;

  /**
   * What was found, by bit [H].
   *
   * @param statistics entropy, KL and information
   * @param probe how well bits can be guessed
   * @param effects of flipping them
   */
  public record Result(
      PlanStatistics statistics, PlanProbe probe, List<PlanSteering.Effect> effects) {
    /** Copies the list. */
    public Result {
      effects = List.copyOf(effects);
    }
  }

  /** Records the programs, for batches of B = {@code size} texts of T = {@code length} tokens. */
  public PlanAnalysis(FreeTransformer model, int size, int length) {
    Engine engine = model.engine();
    this.model = model;
    boolean training = model.isTraining();
    model.train(false);
    try (Resources parts = new Resources();
        Engine.Mode _ = engine.noGrad()) {
      inputs = parts.add(new BatchTensors(engine, size, length));
      programs = parts.add(new PlanPrograms(model, inputs));
      steering = parts.add(new PlanSteering(model, inputs, programs.firstHalf()));
      resources = parts.keep();
    } finally {
      model.train(training);
    }
  }

  /**
   * Looks at the first {@code examples} held-out texts, or all if there are fewer; to be called
   * once.
   *
   * @param steered of how many of them bits are flipped, which takes 4·H passes through the second
   *     half of the model
   * @param goOn asked before each batch, with the number of texts done; false ends it with what was
   *     seen so far
   * @throws IllegalArgumentException if the data has a token that the model has not
   * @throws IllegalStateException if no plan was counted, or the model gives infinite numbers or
   *     none
   */
  public Result run(Batches batches, long examples, long steered, LongPredicate goOn) {
    int bits = model.config().latentDim();
    PlanTally tally = new PlanTally(bits);
    PlanProbe probe = new PlanProbe(bits);
    ExampleRandom random = new ExampleRandom(model.engine().random().seed(), "posterior plans 0");
    long end = Math.min(examples, batches.examples());
    for (long first = 0; first < end && goOn.test(first); first += batches.batchSize()) {
      Batch batch = batches.upTo(first, end);
      batch.requireVocabulary(model.config().vocabSize());
      inputs.set(batch);
      PlanPosterior posterior = programs.encode();
      float[] logits = programs.planLogits();
      Finite.require("logit of a plan bit", logits);
      tally.add(batch, logits);
      probe.add(batch, first, logits);
      if (first < steered) {
        steering.add(posterior.draw(random, first), BatchTensors.planCounts(batch), first);
      }
    }
    return new Result(tally.statistics(), probe, steering.effects());
  }

  @Override
  public void close() {
    resources.close();
  }
}

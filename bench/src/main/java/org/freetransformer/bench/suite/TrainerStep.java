package org.freetransformer.bench.suite;

import java.util.List;
import java.util.SplittableRandom;
import org.freetransformer.data.Batch;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.TextConfig;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.PlannedStep;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.TrainingConfig;

/** The trainer's step on one batch, one rank's share of it where there are several. */
final class TrainerStep implements StandingRanks.Part {
  private final Engine engine;
  private final PlannedStep planned;
  private final List<Batch> batches;
  private long number;

  /**
   * Records the step.
   *
   * @param engine computes, and is closed with the step
   * @param training whose batch is one rank's and one micro-batch's
   * @param batch that every step trains on
   */
  TrainerStep(Engine engine, ModelConfig model, TrainingConfig training, Batch batch, Ranks ranks) {
    this.engine = engine;
    int length = batch.length();
    DataConfig data =
        new DataConfig(
            "synthetic",
            ".",
            length,
            TextConfig.DEFAULT,
            model.vocabSize(),
            length + 1,
            100,
            100,
            1);
    planned = new PlannedStep(engine, new RunConfig(model, training, data), ranks);
    batches = List.of(batch);
  }

  /** The step on random tokens, as many in a sequence as the model takes. */
  static TrainerStep random(ModelConfig model, TrainingConfig training, int threads, Ranks ranks) {
    SplittableRandom random = new SplittableRandom(ranks.rank());
    int share = training.batchSize();
    long count = (long) share * model.maxSeqLen();
    int[] tokens = random.ints(count, 0, model.vocabSize()).toArray();
    int[] targets = random.ints(count, 0, model.vocabSize()).toArray();
    Batch batch = new Batch(tokens, targets, share, model.maxSeqLen());
    return new TrainerStep(Place.cpu(threads).engine(), model, training, batch, ranks);
  }

  Engine engine() {
    return engine;
  }

  LanguageModel model() {
    return planned.model();
  }

  @Override
  public void run() {
    number++;
    planned.step().run(number, StepSuite.LEARNING_RATE, batches, 0);
  }

  @Override
  public void close() {
    planned.close();
    engine.close();
  }
}

package org.freetransformer.bench.suite;

import java.util.List;
import java.util.SplittableRandom;
import org.freetransformer.data.Batch;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.TextConfig;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.PlannedStep;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.TrainingConfig;

/** The trainer's step on random tokens, one rank's share of it where there are several. */
final class TrainerStep implements StandingRanks.Part {
  private static final double LEARNING_RATE = 1e-4;

  private final Engine engine;
  private final PlannedStep planned;
  private final List<Batch> batches;
  private long number;

  /**
   * Records the step.
   *
   * @param training whose batch is one rank's and one micro-batch's
   */
  TrainerStep(ModelConfig model, TrainingConfig training, int threads, Ranks ranks) {
    engine = Place.cpu(threads).engine();
    int length = model.maxSeqLen();
    int vocabulary = model.vocabSize();
    DataConfig data =
        new DataConfig(
            "synthetic", ".", length, TextConfig.DEFAULT, vocabulary, length + 1, 100, 100, 1);
    planned = new PlannedStep(engine, new RunConfig(model, training, data), ranks);
    SplittableRandom random = new SplittableRandom(ranks.rank());
    int share = training.batchSize();
    int[] tokens = random.ints((long) share * length, 0, vocabulary).toArray();
    int[] targets = random.ints((long) share * length, 0, vocabulary).toArray();
    batches = List.of(new Batch(tokens, targets, share, length));
  }

  @Override
  public void run() {
    number++;
    planned.step().run(number, LEARNING_RATE, batches, 0);
  }

  @Override
  public void close() {
    planned.close();
    engine.close();
  }
}

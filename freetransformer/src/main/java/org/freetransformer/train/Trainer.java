package org.freetransformer.train;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.checkpoint.CheckpointState;
import org.freetransformer.checkpoint.StatefulPart;
import org.freetransformer.checkpoint.TensorStore;
import org.freetransformer.config.ConfigException;
import org.freetransformer.data.Batch;
import org.freetransformer.data.Batches;
import org.freetransformer.data.BatchesAhead;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Split;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.eval.Evaluator;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.Resources;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.optim.LearningRateSchedule;
import org.freetransformer.nn.optim.WeightAverage;
import org.freetransformer.tensor.Engine;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model: batches in order, one step after the other, evaluation and checkpoints in
 * between. All that a run is made of is a function of its configuration and of how many steps it
 * did, so that a run that goes on from a checkpoint gives the same bits as one that never stopped.
 */
public final class Trainer implements AutoCloseable {
  /** Metadata key of how a saved model was trained, for those who resume. */
  public static final String TRAINING_CONFIG = "training_config";

  /** Validation batches of an evaluation within a run. */
  private static final long EVALUATION_BATCHES = 16;

  private static final OptionalDouble NO_BOUND = OptionalDouble.empty();

  private final RunConfig config;
  private final Dataset data;
  private final Ranks ranks;
  private final Replica replica;
  private final LanguageModel model;
  private final TrainingStep step;
  private final LearningRateSchedule schedule;
  private final BatchesAhead training;
  private final Batches validation;

  private final @Nullable AveragedWeights averaged;
  private final @Nullable DeadBits deadBits;
  private final TrainingState state;
  private final Resources resources;

  private @Nullable Evaluator evaluator;
  private long stepsDone;
  private long tokens;
  private long position;

  /** A run at step 0, with new weights drawn from the configuration's seed. */
  public Trainer(Engine engine, RunConfig config, Dataset dataset) {
    this(engine, config, dataset, Ranks.ONE);
  }

  /**
   * The same as one of several ranks.
   *
   * @throws ConfigException if a step's micro-batches cannot be dealt out to them evenly
   */
  public Trainer(Engine engine, RunConfig config, Dataset dataset, Ranks ranks) {
    this(engine, null, config, dataset, ranks);
  }

  /**
   * The same on a device beside which there is a host.
   *
   * @param host an engine on the CPU, which keeps and updates what is trained if the configuration
   *     says so ({@link ShardingConfig#cpuOffload}); stays the caller's
   * @throws ConfigException also if it says so and there is none
   */
  public Trainer(
      Engine engine, @Nullable Engine host, RunConfig config, Dataset dataset, Ranks ranks) {
    TrainingConfig how = config.training();
    ranks.requireShares(how);
    RunConfig.requireVocabulary(config.model(), config.data(), dataset.vocabSize());
    this.config = config;
    this.data = dataset;
    this.ranks = ranks;
    Batches batches = new Batches(dataset, Split.TRAIN, how.batchSize(), config.data().seed());
    this.validation = new Batches(dataset, Split.VALIDATION, how.batchSize(), config.data().seed());
    this.schedule =
        new LearningRateSchedule(
            how.lrSchedule(),
            how.learningRate(),
            how.minLrRatio(),
            how.warmupSteps(),
            how.maxSteps(),
            how.wsdDecayShare());
    engine.random().seed(how.seed());
    try (Resources taken = new Resources()) {
      this.replica = taken.add(Replica.create(engine, host, config.model(), how.sharding(), ranks));
      this.model = replica.model();
      AdamW optimizer = taken.add(how.optimizer(replica));
      this.step = taken.add(new TrainingStep(replica, optimizer, how, dataset.length()));
      WeightAverage average = step.average();
      this.averaged = average == null ? null : new AveragedWeights(replica, average);
      this.deadBits = deadBits(taken, replica, optimizer, how.remedies());
      List<StatefulPart> parts = new ArrayList<>(List.of(new DataFingerprint(dataset, batches)));
      parts.addAll(step.states());
      Stream.of(averaged, deadBits).filter(Objects::nonNull).forEach(parts::add);
      this.state = new TrainingState(config, replica, optimizer, averaged, parts);
      this.training = taken.add(new BatchesAhead(batches));
      this.resources = taken.keep();
    }
  }

  private static @Nullable DeadBits deadBits(
      Resources taken, Replica replica, AdamW optimizer, CollapseRemedies remedies) {
    int steps = remedies.deadBitSteps();
    return steps > 0 && replica.model() instanceof FreeTransformer free
        ? taken.add(new DeadBits(free, replica, optimizer, steps, remedies.deadBitKl()))
        : null;
  }

  /**
   * Takes the weights of a saved model instead of new ones, before the first step.
   *
   * @throws CheckpointException if the model has another shape; dropout, the longest sequence and
   *     the kind of gradient may differ
   */
  public void initialize(TensorStore weights) {
    state.initialize(weights);
  }

  /**
   * Goes back to where a checkpoint was saved.
   *
   * @throws CheckpointException if it is damaged, of another model or other data, or of a run with
   *     settings that a resumed run may not change
   */
  public void restore(Checkpoint checkpoint) {
    state.restore(checkpoint);
    stepsDone = checkpoint.state().step();
    tokens = checkpoint.state().tokens();
    position = checkpoint.state().dataPosition();
  }

  /**
   * Does one step. One that is not finite does not count: the next call does it again.
   *
   * @throws NonFiniteException if its loss or gradient is not finite
   */
  public StepMetrics next() {
    List<Batch> microBatches = positions(position).mapToObj(training::at).toList();
    long following = position + examplesPerStep();
    positions(following).forEach(training::begin); // The next step's, while this one runs.
    positions(following).findFirst().ifPresent(first -> step.follow(training.begin(first)));
    long number = stepsDone + 1;
    StepMetrics metrics = step.run(number, schedule.at(number), microBatches, tokens);
    stepsDone = number;
    position = following;
    tokens = metrics.tokens();
    return deadBits == null
        ? metrics
        : metrics.withRedrawnBits(deadBits.after(stepsDone, metrics.klPerBit()));
  }

  /** Where this rank's batches of a step begin, whose first rank's begin at {@code start}. */
  private LongStream positions(long start) {
    return IntStream.range(0, config.training().gradientAccumulationSteps())
        .filter(i -> i % ranks.size() == ranks.rank())
        .mapToLong(i -> start + (long) i * config.training().batchSize());
  }

  private long examplesPerStep() {
    return (long) config.training().gradientAccumulationSteps() * config.training().batchSize();
  }

  /**
   * Trains until the configured number of steps is done or a stop is asked for, and saves at the
   * end either way.
   *
   * @param stop asked after every step
   * @return whether all steps are done
   * @throws IOException if a checkpoint cannot be written; those before it are as they were
   * @throws NonFiniteException if a step's loss or gradient is not finite
   */
  public boolean run(CheckpointFolder folder, TrainingListener listener, BooleanSupplier stop)
      throws IOException {
    // Recorded before the first step, so that a device compiles all programs at once.
    evaluator();
    // The first rank decides what is best: another may see the folder as it was a moment ago.
    double best =
        ranks.isFirst()
            ? folder.lowestBound().orElse(Double.POSITIVE_INFINITY)
            : Double.POSITIVE_INFINITY;
    boolean stopping = false;
    while (!isDone() && !stopping) {
      listener.onStep(next());
      // Also when stopping: the resumed run goes on after this step's evaluation.
      OptionalDouble bound = isDue(config.training().evalEvery()) ? evaluate(listener) : NO_BOUND;
      boolean isBest = bound.isPresent() && ranks.firstFinds(bound.getAsDouble() < best);
      best = isBest ? bound.getAsDouble() : best;
      stopping = ranks.any(stop.getAsBoolean());
      boolean keepsBest = isBest && config.training().keepBest() > 0;
      if (stopping || keepsBest || isDue(config.training().saveEvery())) {
        listener.onSaving();
        listener.onCheckpoint(save(folder, bound));
      }
    }
    return isDone();
  }

  private boolean isDue(int every) {
    return isDone() || stepsDone % every == 0;
  }

  private OptionalDouble evaluate(TrainingListener listener) {
    Evaluation evaluation = evaluate(EVALUATION_BATCHES);
    listener.onEvaluation(stepsDone, evaluation);
    return OptionalDouble.of(evaluation.nllBound());
  }

  /** Whether the configured number of steps is done. */
  public boolean isDone() {
    return stepsDone >= config.training().maxSteps();
  }

  /** The evaluator that a run uses in between. */
  public static Evaluator evaluator(LanguageModel model, RunConfig config) {
    return Evaluator.sampling(
        model, config.training().batchSize(), config.data().sequenceLength(), 1);
  }

  /**
   * Evaluates on the first {@code batches} held-out batches, with drawn plans; with averaged
   * weights, if the run has them.
   */
  public Evaluation evaluate(long batches) {
    Evaluator measure = evaluator();
    return state.withAverage(() -> measure.evaluate(validation, batches * validation.batchSize()));
  }

  private Evaluator evaluator() {
    if (evaluator == null) {
      evaluator = resources.add(evaluator(model, config));
    }
    return evaluator;
  }

  /**
   * Saves weights, moments, position and the states of all parts as {@code step-N}.
   *
   * @param bound of this step's evaluation, if there was one
   * @throws IOException if it cannot be written; earlier checkpoints are as they were
   */
  public Checkpoint save(CheckpointFolder folder, OptionalDouble bound) throws IOException {
    long seed = config.training().seed();
    return state.save(folder, new CheckpointState(stepsDone, tokens, position, seed, bound));
  }

  /** Whether this rank has all of the model, to write with it. */
  public boolean holdsWholeModel() {
    return replica.isWhole();
  }

  /**
   * Has the model write what the configuration asks for, which is at least one sample.
   *
   * @param tokenizer of the data
   * @return a writer that the caller closes before this trainer
   * @throws ConfigException if the samples' prompt does not fit
   * @throws IllegalStateException if this rank has only a share of the model
   */
  public SampleWriter samples(Tokenizer tokenizer) {
    if (!replica.isWhole()) {
      throw new IllegalStateException("no rank has the whole model to write samples with");
    }
    return new SampleWriter(model, averaged, SampleWriter.request(config, data, tokenizer));
  }

  /** The model, which this trainer owns, with the weights that it trains. */
  public LanguageModel model() {
    return model;
  }

  /** The step as it was recorded. */
  public TrainingStep step() {
    return step;
  }

  /** Steps done. */
  public long stepsDone() {
    return stepsDone;
  }

  /** Frees model, optimizer and programs. */
  @Override
  public void close() {
    resources.close();
  }
}

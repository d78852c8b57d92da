package org.freetransformer.train;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.freetransformer.checkpoint.StatefulPart;
import org.freetransformer.data.Batch;
import org.freetransformer.eval.BatchTensors;
import org.freetransformer.eval.Objective;
import org.freetransformer.eval.TermSums;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.Resources;
import org.freetransformer.nn.VaeLoss;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.optim.GradientAccumulation;
import org.freetransformer.nn.optim.GradientClipping;
import org.freetransformer.nn.optim.GradientClipping.Clipped;
import org.freetransformer.nn.optim.LossScaler;
import org.freetransformer.nn.optim.UpdateSizes;
import org.freetransformer.nn.optim.UpdateSizes.Movement;
import org.freetransformer.nn.optim.WeightAverage;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.WeightCopies;
import org.jspecify.annotations.Nullable;

/**
 * One training step as recorded programs: the weights' 16-bit copies, if the precision wants them;
 * forward and backward of a micro-batch, which adds to the gradients; their norm; and the update,
 * which moves the parameters and sets the gradients to zero. Before an update the host sees loss
 * and norm: if one is not finite, the parameters stay as they were. Under fp16 such a step is
 * skipped instead, and training goes on with a smaller loss scale, while there is one.
 *
 * <p>Norm and update are programs of the engine that keeps what is trained, all others of the one
 * that computes; these are two where the host keeps it for a device.
 */
public final class TrainingStep implements AutoCloseable {
  /**
   * A program of the step.
   *
   * @param name what it does, for readers
   * @param program as it runs
   * @param runs how often it runs in a step
   */
  public record Part(String name, Program program, int runs) {}

  private final Replica replica;
  private final LanguageModel model;
  private final AdamW optimizer;
  private final TrainingConfig config;
  private final BatchTensors inputs;
  private final BatchFeed feed;
  private final Objective objective;
  private final WeightCopies copies;
  private final @Nullable LossScaling scaling;
  private final @Nullable WeightAverage average;
  private final Program microStep;
  private final Program casts;
  private final Program norm;
  private final Program update;
  private final Program discard;

  /** What the step after the coming one begins with, if that is known. */
  private @Nullable CompletionStage<Batch> following;

  /** Seconds that each rank had waited by the last logged step. */
  private List<Double> waits = List.of();

  private final UpdateSizes updateSizes;
  private final Resources resources;

  /**
   * Records the step for batches of {@code config.batchSize()} examples of {@code length} tokens.
   */
  public TrainingStep(LanguageModel model, AdamW optimizer, TrainingConfig config, int length) {
    this(Replica.whole(model), optimizer, config, length);
  }

  /** The same for a share of a model. */
  TrainingStep(Replica replica, AdamW optimizer, TrainingConfig config, int length) {
    this.replica = replica;
    this.model = replica.model();
    Engine engine = model.engine();
    Engine keeper = replica.keeper();
    this.optimizer = optimizer;
    this.config = config;
    try (Resources parts = new Resources()) {
      this.inputs = parts.add(new BatchTensors(engine, config.batchSize(), length));
      this.copies = parts.add(new WeightCopies(engine, config.precision()));
      this.scaling =
          config.precision() == Precision.FP16
              ? parts.add(new LossScaling(engine, keeper, LossScaler.Config.DEFAULT))
              : null;
      Tensor scale = scaling == null ? null : scaling.scale();
      this.objective = parts.add(new Objective(engine, target(config.remedies()), scale));
      this.average =
          config.emaDecay() == 0
              ? null
              : parts.add(new WeightAverage(keeper, replica.trained(), config.emaDecay()));
      this.microStep = parts.add(recordMicroStep());
      this.casts = parts.add(recordEffects(engine, copies::refresh));
      this.norm = parts.add(recordNorm());
      this.update = parts.add(recordEffects(keeper, this::emitUpdate));
      this.discard = parts.add(recordEffects(keeper, optimizer::emitDiscard));
      this.updateSizes = parts.add(new UpdateSizes(keeper, optimizer));
      this.feed = parts.add(new BatchFeed(inputs)); // The last: it is waited for before all else.
      this.resources = parts.keep();
    }
  }

  private Program recordNorm() {
    Engine keeper = replica.keeper();
    return Program.record(
        keeper,
        () -> {
          Clipped clipped =
              GradientClipping.clip(
                  keeper,
                  replica.trained(),
                  config.gradClip(),
                  scaling == null ? null : scaling.inverse(),
                  replica::sumOverRanks);
          return List.of(clipped.norm(), clipped.scale());
        });
  }

  private Program recordMicroStep() {
    Engine engine = model.engine();
    model.train(true);
    try (Engine.Mode _ = engine.mixedPrecision(copies);
        Engine.Mode _ = engine.recomputation(config.activationCheckpointing())) {
      boolean sums = replica.shards() == null && config.gradientAccumulationSteps() > 1;
      return sums
          ? GradientAccumulation.record(engine, replica.trained().values(), this::emitMicroStep)
          : Program.record(engine, this::emitMicroStep);
    } finally {
      model.train(false);
    }
  }

  private List<Tensor> emitMicroStep() {
    VaeLoss.Terms terms = objective.of(model, inputs, false);
    terms.backward();
    return Objective.outputs(terms);
  }

  private void emitUpdate() {
    optimizer.emitUpdate(norm.outputs().getLast());
    if (average != null) {
      average.emitUpdate();
    }
  }

  private static Program recordEffects(Engine engine, Runnable emitting) {
    return Program.record(
        engine,
        () -> {
          emitting.run();
          return List.<Tensor>of();
        });
  }

  private static VaeLoss.@Nullable TargetKl target(CollapseRemedies remedies) {
    return remedies.targetKlWeight() == 0
        ? null
        : new VaeLoss.TargetKl(remedies.targetKl(), remedies.targetKlWeight());
  }

  /**
   * Trains on one step's micro-batches.
   *
   * @param step number of the step, from 1: it decides the random numbers
   * @param learningRate rate of the update
   * @param microBatches this rank's; if there are several ranks, theirs come in turn
   * @param tokensBefore counted targets of the run so far
   * @throws NonFiniteException if the loss or the gradient is not finite, under fp16 at the
   *     smallest loss scale; the parameters and moments are then those before the step, and the
   *     gradients 0
   */
  public StepMetrics run(
      long step, double learningRate, List<Batch> microBatches, long tokensBefore) {
    long counted = microBatches.stream().mapToLong(Batch::countedTargets).sum();
    long planned = microBatches.stream().mapToLong(BatchTensors::countedPlans).sum();
    long[] counts = replica.ranks().sums(counted, planned);
    long tokens = counts[0];
    double kappa = config.remedies().kappaAt(config.kappaFreeBits(), step);
    objective.set(tokens, counts[1], kappa, klWeight(step));
    if (scaling != null) {
      scaling.set();
    }
    casts.run();
    TermSums sums = new TermSums(planBits(), tokens);
    runMicroBatches(step, microBatches).forEach(sums::add);
    norm.run();
    double gradientNorm = norm.outputs().getFirst().item();
    boolean finite = Double.isFinite(sums.loss()) && Double.isFinite(gradientNorm);
    boolean updating = scaling == null || scaling.accept(finite);
    if (updating && !finite) {
      String cause = firstNonFinite(step, microBatches);
      discard.run();
      throw new NonFiniteException(step, sums.loss(), gradientNorm, cause);
    }
    if (updating) {
      update(step - skippedSteps(), learningRate);
    } else {
      discard.run();
    }
    return new StepMetrics(
        step,
        tokensBefore + tokens,
        sums.loss(),
        sums.reconstruction(),
        sums.kl(),
        sums.klPerBit(),
        kappa,
        learningRate,
        gradientNorm,
        scaling == null ? null : scaling.state(),
        updating && config.isLogged(step) ? updateRatios() : Map.of(),
        config.isLogged(step) ? newWaits() : List.of(),
        List.of());
  }

  /** The loss's terms of every micro-batch of all ranks, in order. */
  private List<float[]> runMicroBatches(long step, List<Batch> microBatches) {
    Ranks ranks = replica.ranks();
    List<float[]> rows = new ArrayList<>();
    long number = (step - 1) * microBatches.size() * ranks.size() + ranks.rank() + 1;
    for (int i = 0; i < microBatches.size(); i++) {
      feed.set(microBatches.get(i));
      beginAfter(i, microBatches);
      model.engine().random().step(number + (long) i * ranks.size());
      replica.lastMicroBatch(i == microBatches.size() - 1);
      microStep.run();
      rows.add(TermSums.row(microStep.outputs()));
    }
    return ranks.inOrder(rows);
  }

  private String firstNonFinite(long step, List<Batch> microBatches) {
    return replica.shards() == null
        ? new NonFiniteSearch(model, objective, inputs, copies).first(step, microBatches)
        : "unknown, as the search needs one rank without sharding";
  }

  /**
   * Says with which batch the step after the coming one begins: once it is read, it goes to the
   * device while that one's last program runs.
   */
  void follow(CompletionStage<Batch> batch) {
    following = batch;
  }

  /** Begins with the batch after one that is about to run. */
  private void beginAfter(int index, List<Batch> microBatches) {
    if (index + 1 < microBatches.size()) {
      feed.begin(CompletableFuture.completedFuture(microBatches.get(index + 1)));
    } else if (following != null) {
      feed.begin(following);
      following = null;
    }
  }

  /** Seconds that each rank waited since this was last asked. */
  private List<Double> newWaits() {
    if (replica.ranks().size() == 1) {
      return List.of();
    }
    List<Double> before = waits;
    waits = replica.ranks().waits();
    return IntStream.range(0, waits.size())
        .mapToObj(rank -> waits.get(rank) - (before.isEmpty() ? 0 : before.get(rank)))
        .toList();
  }

  private void update(long number, double learningRate) {
    optimizer.schedule(number, learningRate);
    if (average != null) {
      average.schedule(number);
    }
    update.run();
  }

  private long skippedSteps() {
    return scaling == null ? 0 : scaling.state().skippedSteps();
  }

  /** How far the last update moved each part of the model, as a share of its size. */
  private Map<String, Double> updateRatios() {
    Map<String, Movement> movements = updateSizes.ofLastUpdate();
    Map<String, Double> moved = new LinkedHashMap<>();
    Map<String, Double> size = new HashMap<>();
    for (String name : model.parameters().keySet()) {
      String part = name.substring(0, name.indexOf('.'));
      Movement movement = movements.getOrDefault(name, new Movement(0, 0)); // Another rank's.
      moved.merge(part, movement.moved(), Double::sum);
      size.merge(part, movement.size(), Double::sum);
    }
    moved.replaceAll((_, squares) -> replica.ranks().sum(squares));
    moved.keySet().forEach(part -> size.computeIfPresent(part, (_, s) -> replica.ranks().sum(s)));
    moved.replaceAll((part, squares) -> {
      double weights = Math.sqrt(Objects.requireNonNull(size.get(part)));
      return weights == 0 ? 0 : Math.sqrt(squares) / weights;
    });
    return moved;
  }

  private double klWeight(long step) {
    double share =
        config.klWarmupSteps() == 0 ? 1 : Math.min(1, (double) step / config.klWarmupSteps());
    return config.betaKl() * share;
  }

  private int planBits() {
    return model instanceof FreeTransformer ? model.config().latentDim() : 0;
  }

  /** What a checkpoint must hold for the next step to be the same. */
  public List<StatefulPart> states() {
    return scaling == null ? List.of() : List.of(scaling);
  }

  /** What runs in a step that is not skipped, in order. */
  public List<Part> parts() {
    List<Part> parts = new ArrayList<>();
    if (config.precision().isMixed()) {
      parts.add(new Part("16-bit weights", casts, 1));
    }
    int microSteps = config.gradientAccumulationSteps() / replica.ranks().size();
    parts.add(new Part("forward and backward", microStep, microSteps));
    parts.add(new Part("gradient norm", norm, 1));
    parts.add(new Part("update", update, 1));
    return parts;
  }

  /** Forward and backward of one micro-batch, as it runs. */
  public Program microStep() {
    return microStep;
  }

  /** The running average of the weights, or null if none is wanted. */
  public @Nullable WeightAverage average() {
    return average;
  }

  @Override
  public void close() {
    resources.close();
  }
}

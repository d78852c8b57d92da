package org.freetransformer.train;

import java.util.List;
import org.freetransformer.data.Batch;
import org.freetransformer.eval.BatchTensors;
import org.freetransformer.eval.Objective;
import org.freetransformer.eval.TermSums;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.VaeLoss;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.optim.GradientClipping;
import org.freetransformer.nn.optim.GradientClipping.Clipped;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;

/**
 * One training step as two recorded programs: forward and backward of a micro-batch, which adds to
 * the gradients; and the update, which clips them, moves the parameters, and sets the gradients to
 * zero.
 */
public final class TrainingStep implements AutoCloseable {
  private final LanguageModel model;
  private final AdamW optimizer;
  private final TrainingConfig config;
  private final BatchTensors inputs;
  private final Objective objective;
  private final Program microStep;
  private final Program update;

  /**
   * Records the step for batches of {@code config.batchSize()} examples of {@code length} tokens.
   */
  public TrainingStep(LanguageModel model, AdamW optimizer, TrainingConfig config, int length) {
    Engine engine = model.engine();
    this.model = model;
    this.optimizer = optimizer;
    this.config = config;
    this.inputs = new BatchTensors(engine, config.batchSize(), length);
    this.objective = new Objective(engine);
    model.train(true);
    this.microStep =
        Program.record(
            engine,
            () -> {
              VaeLoss.Terms terms = objective.of(model, inputs, false);
              terms.loss().backward();
              return Objective.outputs(terms);
            });
    this.update =
        Program.record(
            engine,
            () -> {
              Clipped clipped =
                  GradientClipping.clip(engine, model.parameters(), config.gradClip());
              optimizer.emitUpdate(clipped.scale());
              return List.of(clipped.norm());
            });
    model.train(false);
  }

  /**
   * Trains on one step's micro-batches.
   *
   * @param step number of the step, from 1: it decides the random numbers
   * @param learningRate rate of the update
   * @param tokensBefore counted targets of the run so far
   */
  public StepMetrics run(
      long step, double learningRate, List<Batch> microBatches, long tokensBefore) {
    long tokens = microBatches.stream().mapToLong(Batch::countedTargets).sum();
    long plans = microBatches.stream().mapToLong(BatchTensors::countedPlans).sum();
    objective.set(tokens, plans, config.kappaFreeBits(), klWeight(step));
    TermSums sums = new TermSums(planBits());
    long microStepNumber = (step - 1) * microBatches.size();
    for (Batch batch : microBatches) {
      inputs.set(batch);
      model.engine().random().step(++microStepNumber);
      microStep.run();
      sums.add(microStep.outputs(), batch.countedTargets());
    }
    optimizer.schedule(step, learningRate);
    update.run();
    return new StepMetrics(
        step,
        tokensBefore + tokens,
        sums.loss(),
        sums.reconstruction(),
        sums.kl(),
        sums.klPerBit(),
        learningRate,
        update.outputs().getFirst().item());
  }

  private double klWeight(long step) {
    double share =
        config.klWarmupSteps() == 0 ? 1 : Math.min(1, (double) step / config.klWarmupSteps());
    return config.betaKl() * share;
  }

  private int planBits() {
    return model instanceof FreeTransformer ? model.config().latentDim() : 0;
  }

  /** Forward and backward of one micro-batch, as it runs. */
  public Program microStep() {
    return microStep;
  }

  /** Clipping and AdamW, as they run. */
  public Program update() {
    return update;
  }

  @Override
  public void close() {
    microStep.close();
    update.close();
    inputs.close();
    objective.close();
  }
}

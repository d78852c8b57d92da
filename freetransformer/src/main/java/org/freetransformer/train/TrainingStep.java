package org.freetransformer.train;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.freetransformer.checkpoint.StatefulPart;
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
import org.freetransformer.nn.optim.LossScaler;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.WeightCopies;
import org.jspecify.annotations.Nullable;

/**
 * One training step as recorded programs: the weights' 16-bit copies, if the precision wants them;
 * forward and backward of a micro-batch, which adds to the gradients; their norm; and the update,
 * which moves the parameters and sets the gradients to zero. Under fp16 a step whose gradients
 * overflowed drops them instead.
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

  private final LanguageModel model;
  private final AdamW optimizer;
  private final TrainingConfig config;
  private final BatchTensors inputs;
  private final Objective objective;
  private final WeightCopies copies;
  private final @Nullable LossScaling scaling;
  private final Program microStep;
  private final Program casts;
  private final Program norm;
  private final Program update;
  private final Program discard;

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
    this.copies = new WeightCopies(engine, config.precision());
    this.scaling =
        config.precision() == Precision.FP16
            ? new LossScaling(engine, LossScaler.Config.DEFAULT)
            : null;
    this.microStep = recordMicroStep();
    this.casts = recordEffects(copies::refresh);
    this.norm =
        Program.record(
            engine,
            () -> {
              Clipped clipped =
                  GradientClipping.clip(
                      engine,
                      model.parameters(),
                      config.gradClip(),
                      scaling == null ? null : scaling.inverse(),
                      UnaryOperator.identity());
              return List.of(clipped.norm(), clipped.scale());
            });
    this.update = recordEffects(() -> optimizer.emitUpdate(norm.outputs().getLast()));
    this.discard = recordEffects(optimizer::emitDiscard);
  }

  private Program recordMicroStep() {
    Engine engine = model.engine();
    model.train(true);
    try (Engine.Mode _ = engine.mixedPrecision(copies);
        Engine.Mode _ = engine.recomputation(config.activationCheckpointing())) {
      return Program.record(
          engine,
          () -> {
            VaeLoss.Terms terms = objective.of(model, inputs, false);
            if (scaling == null) {
              terms.loss().backward();
            } else {
              terms.loss().backward(scaling.scale());
            }
            return Objective.outputs(terms);
          });
    } finally {
      model.train(false);
    }
  }

  private Program recordEffects(Runnable emitting) {
    return Program.record(
        model.engine(),
        () -> {
          emitting.run();
          return List.<Tensor>of();
        });
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
    if (scaling != null) {
      scaling.set();
    }
    casts.run();
    TermSums sums = new TermSums(planBits());
    long microStepNumber = (step - 1) * microBatches.size();
    for (Batch batch : microBatches) {
      inputs.set(batch);
      model.engine().random().step(++microStepNumber);
      microStep.run();
      sums.add(microStep.outputs(), batch.countedTargets());
    }
    norm.run();
    double gradientNorm = norm.outputs().getFirst().item();
    if (scaling == null || scaling.accept(gradientNorm)) {
      optimizer.schedule(step - skippedSteps(), learningRate);
      update.run();
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
        learningRate,
        gradientNorm,
        scaling == null ? null : scaling.state());
  }

  private long skippedSteps() {
    return scaling == null ? 0 : scaling.state().skippedSteps();
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
    parts.add(new Part("forward and backward", microStep, config.gradientAccumulationSteps()));
    parts.add(new Part("gradient norm", norm, 1));
    parts.add(new Part("update", update, 1));
    return parts;
  }

  /** Forward and backward of one micro-batch, as it runs. */
  public Program microStep() {
    return microStep;
  }

  @Override
  public void close() {
    for (Program program : List.of(microStep, casts, norm, update, discard)) {
      program.close();
    }
    inputs.close();
    objective.close();
    copies.close();
    if (scaling != null) {
      scaling.close();
    }
  }
}

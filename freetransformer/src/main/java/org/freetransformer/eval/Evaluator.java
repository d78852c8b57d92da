package org.freetransformer.eval;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.data.Batch;
import org.freetransformer.data.Batches;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.VaeLoss;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.CrossEntropyOp;
import org.jspecify.annotations.Nullable;

/** Measures a model on held-out batches by recorded programs, without changing it. */
public final class Evaluator implements AutoCloseable {
  /** Random steps of evaluation start here, far from those of training. */
  private static final long RANDOM_STEPS = 1L << 48;

  private final LanguageModel model;
  private final BatchTensors inputs;
  private final Objective objective;
  private final Program posterior;
  private final @Nullable Program prior;

  /**
   * Records the evaluation of batches of B = {@code size} examples of T = {@code length} tokens.
   *
   * @param threshold whether the encoder's plan takes each bit as p > ½ instead of drawing it
   */
  public Evaluator(LanguageModel model, int size, int length, boolean threshold) {
    Engine engine = model.engine();
    this.model = model;
    this.inputs = new BatchTensors(engine, size, length);
    this.objective = new Objective(engine);
    boolean training = model.isTraining();
    model.train(false);
    try (Engine.Mode _ = engine.noGrad()) {
      posterior = Program.record(engine, () -> outputs(objective.of(model, inputs, threshold)));
      prior =
          model instanceof FreeTransformer free
              ? Program.record(engine, () -> List.of(priorCrossEntropy(free)))
              : null;
    } finally {
      model.train(training);
    }
  }

  /** What a training step gives, and the plan logits. */
  private static List<Tensor> outputs(VaeLoss.Terms terms) {
    List<Tensor> outputs = new ArrayList<>(Objective.outputs(terms));
    if (terms.planLogits() != null) {
      outputs.add(terms.planLogits());
    }
    return outputs;
  }

  private Tensor priorCrossEntropy(FreeTransformer free) {
    Shape shape = inputs.tokens().shape();
    Tensor plans =
        free.engine().uniform(DType.F32, shape, 0, free.config().planCount()).to(DType.I32);
    Tensor hidden = free.hidden(inputs.tokens(), plans, inputs.sequence(), null);
    return CrossEntropyOp.crossEntropy(
            free.logits(hidden), inputs.targets(), CrossEntropyOp.IGNORE_INDEX)
        .sum();
  }

  /**
   * Evaluates the first {@code count} batches, or all if there are fewer.
   *
   * @return means over all counted tokens; the same for the same model, data and seed
   * @throws IllegalArgumentException if {@code count} is not positive
   */
  public Evaluation evaluate(Batches batches, long count) {
    if (count < 1) {
      throw new IllegalArgumentException("%d batches: evaluation needs 1 or more".formatted(count));
    }
    int bits = prior == null ? 0 : model.config().latentDim();
    TermSums sums = new TermSums(bits);
    @Nullable PlanTally plans = prior == null ? null : new PlanTally(bits);
    double priorSum = 0;
    long end = Math.min(count, batches.count());
    for (long i = 0; i < end; i++) {
      Batch batch = batches.at(i * batches.batchSize());
      inputs.set(batch);
      model.engine().random().step(RANDOM_STEPS + i);
      posterior.run();
      sums.add(posterior.outputs(), batch.countedTargets());
      if (prior != null && plans != null) {
        plans.add(batch, posterior.outputs().getLast().toFloats());
        prior.run();
        priorSum += prior.outputs().getFirst().item();
      }
    }
    return new Evaluation(
        sums.tokens(),
        prior != null,
        sums.reconstruction(),
        sums.kl(),
        sums.klPerBit(),
        prior == null ? Double.NaN : priorSum / sums.tokens(),
        plans == null ? null : plans.statistics());
  }

  @Override
  public void close() {
    posterior.close();
    if (prior != null) {
      prior.close();
    }
    inputs.close();
    objective.close();
  }
}

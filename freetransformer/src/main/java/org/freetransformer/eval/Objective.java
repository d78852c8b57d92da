package org.freetransformer.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.freetransformer.model.Baseline;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.Resources;
import org.freetransformer.nn.VaeLoss;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** What a model is trained to minimise, with the weights that change from step to step. */
public final class Objective implements AutoCloseable {
  private final Tensor inverseTokens;
  private final Tensor inversePlans;
  private final Tensor kappa;
  private final Tensor beta;
  private final VaeLoss.@Nullable TargetKl target;
  private final @Nullable Tensor scale;
  private final Resources resources;

  /** An objective without a target KL, whose weights are all 0 until {@link #set}. */
  public Objective(Engine engine) {
    this(engine, null, null);
  }

  /**
   * An objective whose weights are all 0 until {@link #set}; the target of the KL stays.
   *
   * @param scale shape [], what gradients are multiplied by, or null for 1
   */
  public Objective(Engine engine, VaeLoss.@Nullable TargetKl target, @Nullable Tensor scale) {
    this.target = target;
    this.scale = scale;
    try (Resources parts = new Resources()) {
      inverseTokens = parts.add(engine.allocate("inputs", DType.F32, Shape.of()));
      inversePlans = parts.add(engine.allocate("inputs", DType.F32, Shape.of()));
      kappa = parts.add(engine.allocate("inputs", DType.F32, Shape.of()));
      beta = parts.add(engine.allocate("inputs", DType.F32, Shape.of()));
      resources = parts.keep();
    }
  }

  /**
   * Sets the weights of the next step.
   *
   * @param tokens counted targets in all micro-batches of the step
   * @param plans counted plans in all micro-batches of the step
   * @param freeBits κ, nats per position
   * @param klWeight β
   */
  public void set(long tokens, long plans, double freeBits, double klWeight) {
    inverseTokens.set(new float[] {tokens == 0 ? 0 : 1f / tokens});
    inversePlans.set(new float[] {plans == 0 ? 0 : 1f / plans});
    kappa.set(new float[] {(float) freeBits});
    beta.set(new float[] {(float) klWeight});
  }

  /**
   * The loss of a model on a batch, in the order of the data flow.
   *
   * @param threshold whether plans are taken by threshold ½ instead of drawn
   */
  public VaeLoss.Terms of(LanguageModel model, BatchTensors batch, boolean threshold) {
    VaeLoss loss = new VaeLoss(inverseTokens, inversePlans, kappa, beta, target, scale);
    return switch (model) {
      case FreeTransformer free -> {
        FreeTransformer.Result result =
            free.forward(
                batch.tokens(),
                FreeTransformer.Mode.TRAIN,
                null,
                threshold,
                batch.sequence(),
                null);
        Tensor planLogits = Objects.requireNonNull(result.planLogits());
        yield loss.withPlan(
            free.outputLoss(result.hidden(), batch.targets()), planLogits, batch.planCounts());
      }
      case Baseline baseline -> {
        Tensor hidden = baseline.hidden(batch.tokens(), null, batch.sequence(), null);
        yield loss.withoutPlan(baseline.outputLoss(hidden, batch.targets()));
      }
    };
  }

  /**
   * The terms as a list of outputs for a program: loss, reconstruction, and with a plan KL, by bit.
   */
  public static List<Tensor> outputs(VaeLoss.Terms terms) {
    List<Tensor> outputs = new ArrayList<>(List.of(terms.loss(), terms.reconstruction()));
    if (terms.kl() != null && terms.klPerBit() != null) {
      outputs.add(terms.kl());
      outputs.add(terms.klPerBit());
    }
    return outputs;
  }

  @Override
  public void close() {
    resources.close();
  }
}

package org.freetransformer.nn;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Backpropagation;
import org.freetransformer.tensor.ops.KlOp;
import org.jspecify.annotations.Nullable;

/**
 * The loss of a conditional VAE (paper §3.2): reconstruction plus what the plan costs beyond its
 * free bits, {@code loss = Σ CE / tokens + β·Σ_t max(0, KL_t − κ) / plans}. A plan counts if a
 * counted target stands at or after its position: it can help no other.
 *
 * <p>All weights are tensors that the host sets before a step, so that a recorded step can change
 * them, and so that the micro-batches of one step weigh by their tokens exactly.
 *
 * @param inverseTokens shape [], 1 / (number of counted targets in the step)
 * @param inversePlans shape [], 1 / (number of counted plans in the step)
 * @param kappa κ, shape [], free bits in nats per position
 * @param beta β, shape [], weight of the KL term
 * @param target of the KL, or null without one
 * @param scale shape [], what gradients are multiplied by, so that 16 bits hold them; null for 1
 */
public record VaeLoss(
    Tensor inverseTokens,
    Tensor inversePlans,
    Tensor kappa,
    Tensor beta,
    @Nullable TargetKl target,
    @Nullable Tensor scale) {

  /**
   * A KL that the plans of each text are drawn to from both sides, so that, unlike with free bits,
   * a plan that is hardly used is pushed back into use (Burgess et al., "Understanding
   * disentangling in β-VAE", 2018, equation 8, with the mean over a text's positions as its KL). It
   * adds {@code weight · Σ_texts |Σ_t (KL_t − kl)| / plans} to the loss.
   *
   * @param kl nats per position
   * @param weight γ in the source, 0 or more
   */
  public record TargetKl(double kl, double weight) {}

  /**
   * A loss and its parts, all of shape [] but the last, outside the graph: see {@link #backward}.
   *
   * @param loss what is minimised
   * @param reconstruction sum of cross-entropies over the counted targets, in nats; sees the future
   *     through the plan, so it is not comparable with a baseline's
   * @param kl sum over the counted plans, in nats; null without a plan
   * @param klPerBit [H], the same sum by bit; null without a plan
   * @param starts where the way back begins
   */
  public record Terms(
      Tensor loss,
      Tensor reconstruction,
      @Nullable Tensor kl,
      @Nullable Tensor klPerBit,
      List<Backpropagation.Start> starts) {
    /** Adds the loss's gradient, times the scale, to that of every leaf. */
    public void backward() {
      if (!starts.isEmpty()) { // Else there is nothing left to do below the output layer.
        Backpropagation.run(starts);
      }
    }
  }

  /**
   * Loss of a model with a plan.
   *
   * @param output the output layer's
   * @param planLogits [B, T, H]
   * @param planCounts [B, T], 1 where the plan counts, else 0
   */
  public Terms withPlan(OutputLoss output, Tensor planLogits, Tensor planCounts) {
    OutputLoss.Sum reconstruction = output.sum(inverseTokens, scale);
    int b = planLogits.dim(0);
    int t = planLogits.dim(1);
    int h = planLogits.dim(2);
    Tensor klPerBit = KlOp.bernoulliKl(planLogits.reshape(b, t, h, 1));
    Tensor klPerPosition = klPerBit.sum(-1);
    Tensor excess = KlOp.freeBits(klPerPosition, kappa).mul(planCounts).sum();
    Tensor loss = reconstruction.value().mul(inverseTokens).add(excess.mul(inversePlans).mul(beta));
    if (target != null) {
      Tensor distance = klPerPosition.add(-target.kl()).mul(planCounts).sum(-1).abs().sum();
      loss = loss.add(distance.mul(inversePlans).mul(target.weight()));
    }
    Tensor countedPerBit =
        klPerBit.detach().mul(planCounts.reshape(b, t, 1)).reshape(b * t, h).sum(0);
    return terms(loss, reconstruction, countedPerBit.sum(), countedPerBit);
  }

  /** Loss of a model without a plan. */
  public Terms withoutPlan(OutputLoss output) {
    OutputLoss.Sum reconstruction = output.sum(inverseTokens, scale);
    return terms(reconstruction.value().mul(inverseTokens), reconstruction, null, null);
  }

  private Terms terms(
      Tensor loss, OutputLoss.Sum reconstruction, @Nullable Tensor kl, @Nullable Tensor klPerBit) {
    List<Backpropagation.Start> starts = new ArrayList<>();
    if (loss.requiresGrad() || !reconstruction.wentBack()) {
      starts.add(new Backpropagation.Start(loss, scale));
    }
    if (reconstruction.start() != null) {
      starts.add(reconstruction.start());
    }
    return new Terms(loss.detach(), reconstruction.value().detach(), kl, klPerBit, starts);
  }
}

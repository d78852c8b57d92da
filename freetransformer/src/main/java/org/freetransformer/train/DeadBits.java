package org.freetransformer.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.freetransformer.checkpoint.PartState;
import org.freetransformer.checkpoint.StatefulPart;
import org.freetransformer.checkpoint.TensorSource;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;

/**
 * Watches the KL of every plan bit, and draws anew those that were not used over a number of steps,
 * as is done with dead codes of vector quantisers (Dhariwal et al., "Jukebox", 2020).
 */
final class DeadBits implements StatefulPart, AutoCloseable {
  /** Random steps of redrawing start here, far from those of training and evaluation. */
  private static final long RANDOM_STEPS = 1L << 47;

  private static final String SUMS = "kl_sums";

  private final FreeTransformer model;
  private final Replica replica;
  private final AdamW optimizer;
  private final int steps;
  private final double least;
  private final Tensor sums;

  /**
   * A watch at step 0.
   *
   * @param replica the model, or this rank's share of it
   * @param steps length of a watch
   * @param least mean KL, in nats, under which a bit is dead
   * @throws IllegalArgumentException if a parameter is frozen that would be drawn anew
   */
  DeadBits(FreeTransformer model, Replica replica, AdamW optimizer, int steps, double least) {
    FreeTransformer.REDRAWN.forEach(name -> {
      if (!Objects.requireNonNull(model.parameters().get(name), name).isTrained()) {
        throw new IllegalArgumentException(
            name + " is frozen: bits that are dead cannot be drawn anew");
      }
    });
    this.model = model;
    this.replica = replica;
    this.optimizer = optimizer;
    this.steps = steps;
    this.least = least;
    this.sums =
        model.engine().allocate("plan bits", DType.F32, Shape.of(model.config().latentDim()));
  }

  /**
   * Takes in a step; at the end of a watch, draws its dead bits anew.
   *
   * @return the bits that were drawn anew
   */
  List<Integer> after(long step, double[] klPerBit) {
    float[] total = sums.toFloats();
    for (int h = 0; h < total.length; h++) {
      // A step that overflowed tells nothing of a bit, and counts neither for it nor against it.
      total[h] += (float) (Double.isFinite(klPerBit[h]) ? klPerBit[h] : least);
    }
    List<Integer> dead = new ArrayList<>();
    if (step % steps == 0) {
      for (int h = 0; h < total.length; h++) {
        if (total[h] / steps < least) {
          dead.add(h);
        }
        total[h] = 0;
      }
      redraw(step, dead);
    }
    sums.set(total);
    return dead;
  }

  private void redraw(long step, List<Integer> dead) {
    if (dead.isEmpty()) {
      return;
    }
    model.engine().random().step(RANDOM_STEPS + step);
    replica.edit(
        FreeTransformer.REDRAWN,
        () ->
            dead.forEach(bit ->
                model.redrawBit(
                    bit, (name, axis, index) -> replica.forget(optimizer, name, axis, index))));
  }

  @Override
  public String name() {
    return "dead_bits";
  }

  @Override
  public Map<String, Object> numbers() {
    return Map.of();
  }

  @Override
  public List<TensorSource> tensors() {
    return List.of(TensorSource.of(SUMS, sums));
  }

  @Override
  public void restore(PartState saved) {
    saved.tensor(SUMS, sums);
  }

  @Override
  public void close() {
    sums.close();
  }
}

package org.freetransformer.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.PartState;
import org.freetransformer.checkpoint.StatefulPart;
import org.freetransformer.checkpoint.TensorSource;
import org.freetransformer.nn.Resources;
import org.freetransformer.nn.optim.LossScaler;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;

/** A loss scaler in a run: its numbers where recorded programs read them, and in checkpoints. */
final class LossScaling implements StatefulPart, AutoCloseable {
  private static final String SCALE = "scale";
  private static final String GOOD_STEPS = "good_steps";
  private static final String SKIPPED_STEPS = "skipped_steps";

  private final LossScaler scaler;
  private final Tensor scale;
  private final Tensor inverse;
  private final Resources resources;

  /**
   * A scaler at step 0.
   *
   * @param engine computes the gradients
   * @param host updates the parameters
   */
  LossScaling(Engine engine, Engine host, LossScaler.Config config) {
    scaler = new LossScaler(config);
    try (Resources parts = new Resources()) {
      scale = parts.add(engine.allocate("inputs", DType.F32, Shape.of()));
      inverse = parts.add(host.allocate("inputs", DType.F32, Shape.of()));
      resources = parts.keep();
    }
  }

  /** What the loss's gradient starts from, shape []. */
  Tensor scale() {
    return scale;
  }

  /** 1 / scale, shape []. */
  Tensor inverse() {
    return inverse;
  }

  /** Brings both engines up to date, before a step. */
  void set() {
    scale.set(new float[] {(float) state().scale()});
    inverse.set(new float[] {(float) (1 / state().scale())});
  }

  /** Takes note of a step; says whether it may not be skipped. */
  boolean accept(boolean finite) {
    return scaler.accept(finite);
  }

  LossScaler.State state() {
    return scaler.state();
  }

  @Override
  public String name() {
    return "loss_scaler";
  }

  @Override
  public Map<String, Object> numbers() {
    Map<String, Object> numbers = new LinkedHashMap<>();
    numbers.put(SCALE, state().scale());
    numbers.put(GOOD_STEPS, state().goodSteps());
    numbers.put(SKIPPED_STEPS, state().skippedSteps());
    return numbers;
  }

  @Override
  public List<TensorSource> tensors() {
    return List.of();
  }

  @Override
  public void restore(PartState saved) {
    try {
      scaler.restore(
          new LossScaler.State(
              saved.number(SCALE), saved.whole(GOOD_STEPS), saved.whole(SKIPPED_STEPS)));
    } catch (IllegalArgumentException wrong) {
      throw new CheckpointException(name(), String.valueOf(wrong.getMessage()), wrong);
    }
  }

  @Override
  public void close() {
    resources.close();
  }
}

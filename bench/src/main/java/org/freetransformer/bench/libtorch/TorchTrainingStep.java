package org.freetransformer.bench.libtorch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * Forward, backward, clipping and AdamW of a {@link TorchLlama}, operation by operation, and each
 * array is freed where a program in Python would have its last use.
 */
public final class TorchTrainingStep {
  private static final double CLIP = 1;
  private static final double WEIGHT_DECAY = 0.1;

  private final TorchLlama model;
  private final NDArray one;
  private final TorchFusedAdamW optimizer = new TorchFusedAdamW(0.9, 0.95, 1e-8);
  private final List<NDArray> values;
  private final List<NDArray> first = new ArrayList<>();
  private final List<NDArray> second = new ArrayList<>();
  private int step;

  /** A model's steps; its moments belong to the manager. */
  public TorchTrainingStep(NDManager manager, TorchLlama model) {
    this.model = model;
    this.one = manager.ones(new Shape());
    this.values = List.copyOf(model.parameters().values());
    for (NDArray value : values) {
      first.add(value.zerosLike());
      second.add(value.zerosLike());
    }
  }

  /**
   * One step; its result and the gradients belong to the manager or the scope around the call.
   *
   * @param tokens int64 [B, T]
   * @param targets int64 [B·T]
   * @return the mean loss before the update, in nats
   */
  public NDArray run(NDArray tokens, NDArray targets, double learningRate) {
    step++;
    TorchLlama leaves = model.withLeaves();
    NDArray loss;
    try (Libtorch.Tape tape = Libtorch.tape()) {
      loss = Freeing.allBut(() -> TorchFused.crossEntropy(leaves.logits(tokens), targets).mean());
      tape.backward(loss, one);
    }
    update(leaves.parameters().values().stream().map(NDArray::getGradient).toList(), learningRate);
    return loss;
  }

  private void update(List<NDArray> gradients, double learningRate) {
    double scale = clipScale(gradients);
    for (int i = 0; i < values.size(); i++) {
      NDArray value = values.get(i);
      boolean isMatrix = value.getShape().dimension() == 2;
      optimizer.update(
          value,
          gradients.get(i),
          first.get(i),
          second.get(i),
          step,
          scale,
          learningRate,
          isMatrix ? WEIGHT_DECAY : 0);
    }
  }

  private static double clipScale(List<NDArray> gradients) {
    double squares = 0;
    for (NDArray gradient : gradients) {
      try (NDArray norm = gradient.norm()) {
        squares += Math.pow(norm.getFloat(), 2);
      }
    }
    return Math.min(1, CLIP / (Math.sqrt(squares) + 1e-6));
  }
}

package org.freetransformer.bench.libtorch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;

/** Forward, backward, clipping and AdamW of a {@link TorchLlama}, operation by operation. */
public final class TorchTrainingStep {
  private static final double CLIP = 1;
  private static final double WEIGHT_DECAY = 0.1;

  private final TorchLlama model;
  private final NDArray tokens;
  private final NDArray targets;
  private final NDArray counted;
  private final NDArray one;
  private final TorchAdamW optimizer = new TorchAdamW(0.9, 0.95, 1e-8);
  private final List<NDArray> values;
  private final List<NDArray> first = new ArrayList<>();
  private final List<NDArray> second = new ArrayList<>();
  private int step;

  /** A step on one batch: tokens int64 [B, T], targets int64 [B·T, 1]. */
  public TorchTrainingStep(NDManager manager, TorchLlama model, NDArray tokens, NDArray targets) {
    this.model = model;
    this.tokens = tokens;
    this.targets = targets;
    this.counted = manager.ones(new Shape(targets.getShape().get(0)));
    this.one = manager.ones(new Shape());
    this.values = List.copyOf(model.parameters().values());
    for (NDArray value : values) {
      first.add(value.zerosLike());
      second.add(value.zerosLike());
    }
  }

  /** One step; what it makes on the way belongs to the manager or the scope around the call. */
  public void run(double learningRate) {
    step++;
    List<NDArray> gradients = gradients();
    double scale = clipScale(gradients);
    for (int i = 0; i < values.size(); i++) {
      NDArray value = values.get(i);
      boolean isMatrix = value.getShape().dimension() == 2;
      optimizer.update(
          value,
          gradients.get(i).muli(scale),
          first.get(i),
          second.get(i),
          step,
          learningRate,
          isMatrix ? WEIGHT_DECAY : 0);
    }
  }

  private List<NDArray> gradients() {
    TorchLlama leaves = model.withLeaves();
    try (Libtorch.Tape tape = Libtorch.tape()) {
      NDArray losses = TorchOps.crossEntropy(leaves.logits(tokens), targets, counted);
      tape.backward(losses.mean(), one);
    }
    return leaves.parameters().values().stream().map(NDArray::getGradient).toList();
  }

  private static double clipScale(List<NDArray> gradients) {
    double squares = 0;
    for (NDArray gradient : gradients) {
      squares += gradient.square().sum().getFloat();
    }
    return Math.min(1, CLIP / (Math.sqrt(squares) + 1e-6));
  }
}

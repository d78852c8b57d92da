package org.freetransformer.train;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import org.freetransformer.data.Batch;
import org.freetransformer.eval.BatchTensors;
import org.freetransformer.eval.Objective;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.VaeLoss;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.WeightCopies;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.Storage;
import org.jspecify.annotations.Nullable;

/**
 * Finds the first tensor that is not finite in a step that failed: the step is done again, at once
 * instead of recorded, with the same random numbers, and every result is looked at as it arises.
 */
final class NonFiniteSearch {
  private final LanguageModel model;
  private final Engine engine;
  private final Objective objective;
  private final BatchTensors inputs;
  private final WeightCopies copies;
  private final IdentityHashMap<Storage, String> names = new IdentityHashMap<>();
  private String lastParameter = "the embedding";
  private @Nullable String found;

  /**
   * A search in the step of a model.
   *
   * @param objective with the weights that the step had
   * @param inputs where its batches go
   * @param copies the weights in the precision of the step
   */
  NonFiniteSearch(
      LanguageModel model, Objective objective, BatchTensors inputs, WeightCopies copies) {
    this.model = model;
    this.engine = model.engine();
    this.objective = objective;
    this.inputs = inputs;
    this.copies = copies;
    model
        .parameters()
        .forEach((name, parameter) -> {
          names.put(parameter.value().buffer().storage(), name);
          if (parameter.isTrained()) {
            names.put(gradient(parameter.value()).buffer().storage(), "the gradient of " + name);
          }
        });
  }

  private static Tensor gradient(Tensor value) {
    return Objects.requireNonNull(value.grad(), "a parameter in training has a gradient");
  }

  /** Says in words which tensor it was; leaves gradients of no use. */
  String first(long step, List<Batch> microBatches) {
    for (var parameter : model.parameters().entrySet()) {
      if (!isFinite(parameter.getValue().value().buffer())) {
        return "parameter %s, before the step".formatted(parameter.getKey());
      }
    }
    clearGradients();
    model.train(true);
    try {
      for (int i = 0; i < microBatches.size() && found == null; i++) {
        engine.random().step((step - 1) * microBatches.size() + i + 1);
        replay(microBatches.get(i), "micro-batch %d of %d".formatted(i + 1, microBatches.size()));
      }
    } finally {
      model.train(false);
    }
    return found == null ? "the gradient's norm, whose squares overflow" : found;
  }

  private void clearGradients() {
    Parameter.trained(model.parameters())
        .values()
        .forEach(parameter ->
            engine.emit(new Instruction.Fill(gradient(parameter.value()).buffer(), 0)));
  }

  private void replay(Batch batch, String where) {
    inputs.set(batch);
    try (Scope _ = engine.scope("search");
        Engine.Mode _ = engine.mixedPrecision(copies)) {
      VaeLoss.Terms terms;
      try (Engine.Mode _ = engine.observe(done -> look(done, "forward pass, " + where))) {
        terms = objective.of(model, inputs, false);
      }
      if (found == null) {
        try (Engine.Mode _ = engine.observe(done -> look(done, "backward pass, " + where))) {
          terms.backward();
        }
      }
    }
  }

  private void look(Instruction done, String where) {
    if (found != null) {
      return;
    }
    String parameter = null;
    for (Buffer operand : done.reads()) {
      String name = names.get(operand.storage());
      parameter = name != null && parameter == null ? name : parameter;
    }
    lastParameter = parameter == null ? lastParameter : parameter;
    for (Buffer result : results(done)) {
      if (!isFinite(result)) {
        String gradient = names.get(result.storage());
        String tensor =
            gradient != null
                ? gradient
                : "the result %s of %s %s %s"
                    .formatted(
                        result.shape(),
                        done.getClass().getSimpleName(),
                        parameter == null ? "after" : "with",
                        lastParameter);
        found = "%s (%s)".formatted(tensor, where);
        return;
      }
    }
  }

  /** What must be finite: attention's logarithms may be −∞, where there is nothing to look at. */
  private static List<Buffer> results(Instruction done) {
    return done instanceof Instruction.Attention attention
        ? List.of(attention.out())
        : done.writes();
  }

  private boolean isFinite(Buffer buffer) {
    if (!buffer.dtype().isFloating()) {
      return true;
    }
    try (Scope _ = engine.scope("search")) {
      Tensor copy = engine.empty(DType.F32, buffer.shape());
      engine.emit(new Instruction.Copy(buffer, Output.to(copy.buffer())));
      for (float number : copy.toFloats()) {
        if (!Float.isFinite(number)) {
          return false;
        }
      }
      return true;
    }
  }
}

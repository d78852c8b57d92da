package org.freetransformer.nn.optim;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.Resources;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/**
 * A running average of all parameters (Polyak and Juditsky, 1992, with exponential weights): after
 * each update {@code average += (1 − d)·(parameter − average)}, where d is the decay, and in the
 * first steps {@code (1 + step) / (10 + step)} if that is less, so that the first weights are soon
 * forgotten. It owns the averages until it is closed.
 */
public final class WeightAverage implements AutoCloseable {
  private final Engine engine;
  private final SequencedMap<String, Parameter> parameters;
  private final double decay;
  private final SequencedMap<String, Tensor> averages = new LinkedHashMap<>();
  private final Tensor share;
  private final Resources resources;

  /**
   * Averages that begin at the parameters' values.
   *
   * @param decay per step, in [0, 1)
   * @throws IllegalArgumentException if it is out of range
   */
  public WeightAverage(Engine engine, SequencedMap<String, Parameter> parameters, double decay) {
    if (!(decay >= 0 && decay < 1)) {
      throw new IllegalArgumentException(
          "decay %s: allowed are 0 up to, not including, 1".formatted(decay));
    }
    this.engine = engine;
    this.parameters = parameters;
    this.decay = decay;
    try (Resources parts = new Resources()) {
      this.share = parts.add(engine.allocate("averages", DType.F32, Shape.of()));
      parameters.forEach((name, parameter) -> {
        Tensor value = parameter.value();
        Tensor average = parts.add(engine.allocate("averages", value.dtype(), value.shape()));
        copy(value, average);
        averages.put(name, average);
      });
      this.resources = parts.keep();
    }
  }

  /** Lets the averages begin again at the parameters' values. */
  public void restart() {
    parameters.forEach((name, parameter) -> copy(parameter.value(), of(name)));
  }

  /** Sets how much the next update, counted from 1, moves the averages. */
  public void schedule(long step) {
    double now = Math.min(decay, (1.0 + step) / (10.0 + step));
    share.set(new float[] {(float) (1 - now)});
  }

  /** Emits one move of every average towards its parameter. */
  public void emitUpdate() {
    try (Engine.Mode _ = engine.noGrad()) {
      parameters.forEach((name, parameter) -> {
        Tensor average = of(name);
        Tensor move = parameter.value().sub(average).mul(share);
        engine.emit(new Instruction.Copy(move.buffer(), Output.addTo(average.buffer())));
      });
    }
  }

  /** Exchanges parameters and averages: done twice, everything is as it was. */
  public void swap() {
    parameters.forEach((name, parameter) -> {
      try (Scope _ = engine.scope("averages")) {
        Tensor value = parameter.value();
        Tensor held = engine.empty(value.dtype(), value.shape());
        copy(value, held);
        copy(of(name), value);
        copy(held, of(name));
      }
    });
  }

  private void copy(Tensor from, Tensor to) {
    engine.emit(new Instruction.Copy(from.buffer(), Output.to(to.buffer())));
  }

  /**
   * The average of a parameter, or, while swapped, the parameter's own values.
   *
   * @throws IllegalArgumentException if there is no parameter of that name
   */
  public Tensor of(String name) {
    Tensor average = averages.get(name);
    if (average == null) {
      throw new IllegalArgumentException("no parameter is named '%s'".formatted(name));
    }
    return average;
  }

  @Override
  public void close() {
    resources.close();
  }
}

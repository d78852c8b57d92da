package org.freetransformer.nn.optim;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.IntPredicate;
import java.util.function.ToDoubleFunction;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.Resources;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019). Norm scales and the encoder's
 * query are not decayed. It owns the parameters' moments until it is closed.
 *
 * <p>Parameters fall into groups, each with a learning rate that is a multiple of the common one.
 */
public final class AdamW implements AutoCloseable {
  /**
   * The constants of AdamW.
   *
   * @param beta1 decay of the first moment, in [0, 1)
   * @param beta2 decay of the second moment, in [0, 1)
   * @param epsilon added to the root of the second moment, above 0
   * @param weightDecay decay per step and unit of learning rate, 0 or more
   */
  public record Config(double beta1, double beta2, double epsilon, double weightDecay) {
    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException naming what is out of range
     */
    public Config {
      require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "0 up to, not including, 1");
      require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "0 up to, not including, 1");
      require(epsilon > 0, "epsilon", epsilon, "above 0"); // An unused parameter gives 0 / 0.
      require(weightDecay >= 0, "weightDecay", weightDecay, "0 or more");
    }

    private static void require(boolean valid, String name, double value, String allowed) {
      if (!valid) {
        throw new IllegalArgumentException("%s %s: allowed are %s".formatted(name, value, allowed));
      }
    }
  }

  /**
   * What AdamW remembers of one parameter, both of the parameter's shape.
   *
   * @param first running mean of the gradient
   * @param second running mean of its square
   */
  public record Moments(Tensor first, Tensor second) {}

  private final Engine engine;
  private final SequencedMap<String, Parameter> parameters;
  private final Config config;
  private final SequencedMap<String, Moments> moments = new LinkedHashMap<>();
  private final ToDoubleFunction<String> rateRatios;
  private final Map<Double, Tensor> schedules = new LinkedHashMap<>();
  private final Resources resources;

  /**
   * An optimizer at step 0 with one learning rate; every trained parameter gets a gradient of
   * zeros.
   */
  public AdamW(Engine engine, SequencedMap<String, Parameter> parameters, Config config) {
    this(engine, parameters, config, _ -> 1);
  }

  /**
   * An optimizer at step 0; every trained parameter gets a gradient of zeros.
   *
   * @param rateRatios learning rate of each parameter, by name, as a multiple of the common one
   */
  public AdamW(
      Engine engine,
      SequencedMap<String, Parameter> parameters,
      Config config,
      ToDoubleFunction<String> rateRatios) {
    this.engine = engine;
    this.parameters = parameters;
    this.config = config;
    this.rateRatios = rateRatios;
    try (Resources parts = new Resources()) {
      parameters()
          .forEach((name, parameter) -> {
            Tensor value = parameter.value();
            Tensor first = parts.add(zerosLike(value));
            Tensor second = parts.add(zerosLike(value));
            moments.put(name, new Moments(first, second));
            schedules.computeIfAbsent(
                rateRatios.applyAsDouble(name),
                _ -> parts.add(engine.allocate("optimizer", DType.F32, Shape.of(3))));
            if (value.grad() == null) { // It is the parameter's, like its value.
              value.setGrad(engine.allocate("gradients", value.dtype(), value.shape()));
            }
          });
      resources = parts.keep();
    }
  }

  private Tensor zerosLike(Tensor value) {
    return engine.allocate("moments", value.dtype(), value.shape());
  }

  /**
   * Sets what the next update uses.
   *
   * @param step number of the update, from 1
   * @param learningRate its rate, common to all groups
   */
  public void schedule(long step, double learningRate) {
    schedules.forEach((ratio, schedule) ->
        schedule.set(
            new float[] {
              (float) (learningRate * ratio),
              (float) (1 - Math.pow(config.beta1(), (double) step)),
              (float) (1 - Math.pow(config.beta2(), (double) step))
            }));
  }

  /** The parameters that it moves, by name: those that are not frozen. */
  SequencedMap<String, Parameter> parameters() {
    return Parameter.trained(parameters);
  }

  /** Its constants. */
  Config config() {
    return config;
  }

  /**
   * Sets the moments of a part of a parameter to zero, for what was drawn anew.
   *
   * @param axis of the parameter
   * @param index along that axis
   */
  public void forget(String name, int axis, int index) {
    for (Tensor moment : List.of(moments(name).first(), moments(name).second())) {
      engine.emit(new Instruction.Fill(moment.narrow(axis, index, 1).buffer(), 0));
    }
  }

  /**
   * Forgets what is known of some elements of a parameter.
   *
   * @param elements says of which, counted in memory order
   */
  public void forget(String name, IntPredicate elements) {
    for (Tensor moment : List.of(moments(name).first(), moments(name).second())) {
      float[] values = moment.toFloats();
      for (int i = 0; i < values.length; i++) {
        values[i] = elements.test(i) ? 0 : values[i];
      }
      moment.set(values);
    }
  }

  /** What the next update of a parameter uses: its rate, 1 − β1^step, 1 − β2^step. */
  Tensor scheduleOf(String name) {
    return Objects.requireNonNull(schedules.get(rateRatios.applyAsDouble(name)));
  }

  /**
   * Emits one update of every trained parameter, after which its gradient is 0.
   *
   * @param gradientScale shape [], multiplies every gradient: see {@link GradientClipping}
   */
  public void emitUpdate(Tensor gradientScale) {
    parameters()
        .forEach((name, parameter) -> {
          Tensor value = parameter.value();
          Tensor gradient = GradientClipping.gradientOf(name, parameter);
          Moments memory = moments(name);
          engine.emit(
              new Instruction.AdamW(
                  value.buffer(),
                  gradient.buffer(),
                  memory.first().buffer(),
                  memory.second().buffer(),
                  scheduleOf(name).buffer(),
                  gradientScale.reshape(1).buffer(),
                  config.beta1(),
                  config.beta2(),
                  config.epsilon(),
                  parameter.isDecayed() ? config.weightDecay() : 0));
        });
  }

  /** Emits the zeroing of every gradient, for a step whose gradients are of no use. */
  public void emitDiscard() {
    parameters()
        .forEach((name, parameter) ->
            engine.emit(
                new Instruction.Fill(GradientClipping.gradientOf(name, parameter).buffer(), 0)));
  }

  /**
   * The moments of a parameter.
   *
   * @throws IllegalArgumentException if there is no trained parameter of that name
   */
  public Moments moments(String name) {
    Moments found = moments.get(name);
    if (found == null) {
      throw new IllegalArgumentException("no trained parameter is named '%s'".formatted(name));
    }
    return found;
  }

  @Override
  public void close() {
    resources.close();
  }
}

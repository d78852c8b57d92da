package org.freetransformer.nn.optim;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.ReduceFunction;

/**
 * How far the last update moved each parameter. It is computed again from the moments, piece by
 * piece, so that no copy of the parameters is needed; and as a recorded program, so that of a
 * parameter two numbers leave the device and nothing else.
 */
public final class UpdateSizes implements AutoCloseable {
  /** Elements that are looked at together. */
  private static final int PIECE = 1 << 20;

  /**
   * How far an update moved a parameter, as a share of its size: the Euclidean norms' ratio in
   * pieces.
   *
   * @param moved Σ of squares of the update
   * @param size Σ of squares of the parameter
   */
  public record Movement(double moved, double size) {}

  private final Engine engine;
  private final AdamW optimizer;
  private final List<String> names;
  private final Program program;

  /** Records the measurement of every parameter of an optimizer. */
  public UpdateSizes(Engine engine, AdamW optimizer) {
    this.engine = engine;
    this.optimizer = optimizer;
    this.names = new ArrayList<>(optimizer.parameters().keySet());
    try (Engine.Mode _ = engine.noGrad()) {
      this.program = Program.record(engine, () -> List.of(measured()));
    }
  }

  /** The sums of squares of every update and parameter, in turn: [2 · parameters]. */
  private Tensor measured() {
    Tensor sums = engine.empty(DType.F32, Shape.of(2 * names.size()));
    int at = 0;
    for (Parameter parameter : optimizer.parameters().values()) {
      measure(names.get(at / 2), parameter, sums.narrow(0, at, 1), sums.narrow(0, at + 1, 1));
      at += 2;
    }
    return sums;
  }

  private void measure(String name, Parameter parameter, Tensor moved, Tensor size) {
    Tensor schedule = optimizer.scheduleOf(name);
    Tensor rate = schedule.narrow(0, 0, 1);
    double weightDecay = parameter.isDecayed() ? optimizer.config().weightDecay() : 0;
    // The parameter was (value + step) / (1 − decay) before.
    Tensor before = rate.mul(-weightDecay).add(1).reciprocal();
    Tensor decay = rate.mul(weightDecay).mul(before);
    Tensor stepRate = rate.div(schedule.narrow(0, 1, 1)).mul(before);
    int count = Math.toIntExact(parameter.size());
    for (int start = 0; start < count; start += PIECE) {
      int length = Math.min(PIECE, count - start);
      Tensor value = piece(parameter.value(), start, length);
      Tensor first = piece(optimizer.moments(name).first(), start, length);
      Tensor second = piece(optimizer.moments(name).second(), start, length);
      Tensor root = second.div(schedule.narrow(0, 2, 1)).sqrt().add(optimizer.config().epsilon());
      Tensor update = first.mul(stepRate).div(root);
      if (weightDecay > 0) {
        update = update.add(value.mul(decay));
      }
      addSquares(update, moved, start == 0);
      addSquares(value, size, start == 0);
    }
  }

  private static Tensor piece(Tensor whole, int start, int length) {
    return whole.reshape(Math.toIntExact(whole.shape().size())).narrow(0, start, length);
  }

  private void addSquares(Tensor values, Tensor sum, boolean isFirst) {
    Output output = isFirst ? Output.to(sum.buffer()) : Output.addTo(sum.buffer());
    engine.emit(new Instruction.Reduce(ReduceFunction.SUM_OF_SQUARES, values.buffer(), output));
  }

  /**
   * The last update of each parameter, by name; meaningless before the first, and after {@link
   * AdamW#forget}.
   */
  public SequencedMap<String, Movement> ofLastUpdate() {
    program.run();
    float[] sums = program.outputs().getFirst().toFloats();
    SequencedMap<String, Movement> movements = new LinkedHashMap<>();
    for (int i = 0; i < names.size(); i++) {
      movements.put(names.get(i), new Movement(sums[2 * i], sums[2 * i + 1]));
    }
    return movements;
  }

  /** Frees the program. */
  @Override
  public void close() {
    program.close();
  }
}

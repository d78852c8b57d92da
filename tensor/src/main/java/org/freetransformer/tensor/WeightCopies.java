package org.freetransformer.tensor;

import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/**
 * The 16-bit copies of f32 master weights that linear layers read under a mixed {@link Precision}.
 * A copy is made when a weight is first used, and holds what the weight was then or at the last
 * {@link #refresh}; one that is first used while a program is recorded holds zeros until a refresh.
 * So whoever changes weights, or runs a program, refreshes before. Gradients go to the masters.
 */
public final class WeightCopies implements AutoCloseable {
  private final Engine engine;
  private final Precision precision;
  private final Map<Tensor, Tensor> copies = new LinkedHashMap<>();

  /** No copies yet, for passes under {@code precision}. */
  public WeightCopies(Engine engine, Precision precision) {
    this.engine = engine;
    this.precision = precision;
  }

  /** The policy that these copies serve. */
  public Precision precision() {
    return precision;
  }

  /** The tensor that products read for a weight: a copy, or the weight itself if its type is it. */
  Tensor of(Tensor weight) {
    DType type = precision.operand(weight.dtype());
    if (type == weight.dtype()) {
      return weight;
    }
    if (!weight.buffer().storage().isAlive()) {
      Tensor copy = engine.empty(type, weight.shape()); // The weight itself is the program's.
      engine.emit(cast(weight, copy));
      return copy;
    }
    Tensor present = copies.get(weight);
    if (present == null) {
      present = engine.allocate("16-bit weights", type, weight.shape());
      copies.put(weight, present);
      if (!engine.isRecording()) {
        engine.emit(cast(weight, present));
      }
    }
    return present;
  }

  /** Emits a cast of every weight that was used so far. */
  public void refresh() {
    copies.forEach((weight, copy) -> engine.emit(cast(weight, copy)));
  }

  private static Instruction cast(Tensor weight, Tensor copy) {
    return new Instruction.Copy(weight.buffer(), Output.to(copy.buffer()));
  }

  /** Frees the copies. */
  @Override
  public void close() {
    copies.values().forEach(Tensor::close);
    copies.clear();
  }
}

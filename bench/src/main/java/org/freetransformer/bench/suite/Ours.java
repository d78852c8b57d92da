package org.freetransformer.bench.suite;

import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Cost;
import org.freetransformer.tensor.device.Instruction.Random.Distribution;

/**
 * This project's side of a contest: an engine, and a program that is recorded once and replayed.
 */
final class Ours implements AutoCloseable {
  private final Engine engine;
  private final Program program;

  private Ours(Engine engine, Program program) {
    this.engine = engine;
    this.program = program;
  }

  Engine engine() {
    return engine;
  }

  /** Normal random numbers. */
  static Tensor normal(Engine engine, int... dims) {
    Tensor tensor = engine.allocate("bench", DType.F32, Shape.of(dims));
    engine.random().fill(tensor, Distribution.NORMAL, 0, 1);
    return tensor;
  }

  /** A side that computes what the body emits. */
  static Ours recorded(Engine engine, Supplier<List<Tensor>> body) {
    return new Ours(engine, Program.record(engine, body));
  }

  /** Useful work of one run. */
  Cost cost() {
    return program.cost();
  }

  /** A side that computes a function and the gradients of all inputs. */
  static Ours forwardAndBackward(
      Engine engine, List<Tensor> inputs, Function<List<Tensor>, Tensor> function) {
    Shape shape;
    try (Scope _ = engine.scope("shape")) {
      shape = function.apply(inputs).shape();
    }
    Tensor dy = normal(engine, shape.toArray());
    inputs.forEach(Tensor::requireGrad);
    return recorded(
        engine,
        () -> {
          Tensor y = function.apply(inputs);
          y.backward(dy);
          return List.of(y);
        });
  }

  void run() {
    program.run();
  }

  @Override
  public void close() {
    program.close();
    engine.close();
  }
}

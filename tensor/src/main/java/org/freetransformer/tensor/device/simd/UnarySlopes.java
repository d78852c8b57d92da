package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.UnaryFunction;

/** Derivatives of the functions of {@link UnaryLoops}, times what comes from above. */
final class UnarySlopes {
  private UnarySlopes() {}

  static Kernel backward(Instruction.UnaryBackward instruction, Workers workers) {
    UnaryFunction function = instruction.function();
    boolean accumulate = instruction.dx().accumulate();
    workers.requireArray(0, Elementwise.RUN);
    return new Elementwise(
        workers,
        instruction.dx(),
        (memory, at, n, _, worker) -> {
          float[] slopes = workers.array(0, worker);
          slopes(function, memory[1], at[1], n, slopes);
          multiply(slopes, n, memory, at, accumulate);
        },
        instruction.x(),
        instruction.dy());
  }

  private static void multiply(
      float[] slopes, int n, MemorySegment[] memory, long[] at, boolean accumulate) {
    MemorySegment out = memory[0];
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector dy = Lanes.load(memory[2], at[2] + 4L * i);
      FloatVector dx = FloatVector.fromArray(Lanes.SPECIES, slopes, i).mul(dy);
      long to = at[0] + 4L * i;
      Lanes.put(dx, accumulate, out, to);
    }
  }

  /** f'(x) for whole vectors of numbers. */
  private static void slopes(UnaryFunction function, MemorySegment x, long at, int n, float[] y) {
    switch (function) {
      case EXP -> UnaryLoops.exp(x, at, n, y);
      case SOFTPLUS -> UnaryLoops.sigmoid(x, at, n, y);
      case TANH -> logistic(x, at, n, 2, 4, y);
      case SIGMOID -> logistic(x, at, n, 1, 1, y);
      case SILU -> {
        UnaryLoops.sigmoid(x, at, n, y);
        silu(x, at, n, y);
      }
      case NEGATE, ABS, LOG, SQRT, SQUARE, RECIPROCAL, RELU -> simple(function, x, at, n, y);
    }
  }

  private static void simple(UnaryFunction function, MemorySegment in, long at, int n, float[] y) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector x = Lanes.load(in, at + 4L * i);
      FloatVector slope =
          switch (function) {
            case NEGATE -> Lanes.all(-1f);
            case ABS -> sign(x);
            case LOG -> Lanes.all(1f).div(x);
            case SQRT -> Lanes.all(0.5f).div(x.sqrt());
            case SQUARE -> x.add(x);
            case RECIPROCAL -> Lanes.all(-1f).div(x.mul(x));
            default -> Lanes.all(1f).blend(0f, x.compare(LE, 0f));
          };
      slope.intoArray(y, i);
    }
  }

  private static FloatVector sign(FloatVector x) {
    return x.blend(-1f, x.compare(LT, 0f)).blend(1f, x.neg().compare(LT, 0f));
  }

  /**
   * {@code factor·σ(s·x)·σ(−s·x)}, which with {@code e = e^−|s·x|} is {@code factor·e / (1 + e)²}:
   * the slope of σ, and of tanh, without cancelling.
   */
  private static void logistic(
      MemorySegment in, long at, int n, float scale, float factor, float[] y) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector x = Lanes.load(in, at + 4L * i);
      FloatVector e = VectorMath.expOfMinusMagnitude(x.mul(scale));
      FloatVector sum = e.add(1f);
      e.mul(factor).div(sum.mul(sum)).intoArray(y, i);
    }
  }

  /** From σ to {@code σ·(1 + x·(1 − σ))}. */
  private static void silu(MemorySegment in, long at, int n, float[] y) {
    FloatVector one = Lanes.all(1f);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector sigma = FloatVector.fromArray(Lanes.SPECIES, y, i);
      FloatVector x = Lanes.load(in, at + 4L * i);
      one.sub(sigma).fma(x, one).mul(sigma).intoArray(y, i);
    }
  }
}

package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.ABS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.UnaryFunction;

/**
 * Functions of one number. Each of the costly ones has a loop of its own, so that no loop grows
 * beyond what the JIT compiles well (see {@link VectorMath}).
 */
final class UnaryLoops {
  private UnaryLoops() {}

  static Kernel affine(Instruction.Affine instruction, Workers workers) {
    boolean accumulate = instruction.out().accumulate();
    float scale = (float) instruction.scale();
    float shift = (float) instruction.shift();
    return new Elementwise(
        workers,
        instruction.out(),
        (memory, at, n, _, _) -> affine(memory, at, n, scale, shift, accumulate),
        instruction.in());
  }

  private static void affine(
      MemorySegment[] memory, long[] at, int n, float scale, float shift, boolean accumulate) {
    MemorySegment in = memory[1];
    MemorySegment out = memory[0];
    for (int i = 0; i < n; i += Lanes.COUNT) {
      long to = at[0] + 4L * i;
      FloatVector y = Lanes.load(in, at[1] + 4L * i).mul(scale).add(shift);
      Lanes.put(y, accumulate, out, to);
    }
  }

  /** Values go to an array first and from there to the output, which may be added to. */
  static Kernel unary(Instruction.Unary instruction, Workers workers) {
    UnaryFunction function = instruction.function();
    boolean accumulate = instruction.out().accumulate();
    workers.requireArray(0, Elementwise.RUN);
    return new Elementwise(
        workers,
        instruction.out(),
        (memory, at, n, _, worker) -> {
          float[] y = workers.array(0, worker);
          values(function, memory[1], at[1], n, y);
          put(y, n, memory[0], at[0], accumulate);
        },
        instruction.in());
  }

  private static void put(float[] y, int n, MemorySegment out, long at, boolean accumulate) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector value = FloatVector.fromArray(Lanes.SPECIES, y, i);
      long to = at + 4L * i;
      Lanes.put(value, accumulate, out, to);
    }
  }

  /** f(x) for whole vectors of numbers. */
  private static void values(UnaryFunction function, MemorySegment x, long at, int n, float[] y) {
    switch (function) {
      case EXP -> exp(x, at, n, y);
      case LOG -> log(x, at, n, y);
      case TANH -> tanh(x, at, n, y);
      case SIGMOID -> sigmoid(x, at, n, y);
      case SILU -> silu(x, at, n, y);
      case SOFTPLUS -> softplus(x, at, n, y);
      case NEGATE, ABS, SQRT, SQUARE, RECIPROCAL, RELU -> simple(function, x, at, n, y);
    }
  }

  private static void simple(UnaryFunction function, MemorySegment in, long at, int n, float[] y) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector x = Lanes.load(in, at + 4L * i);
      FloatVector value =
          switch (function) {
            case NEGATE -> x.neg();
            case ABS -> x.lanewise(ABS);
            case SQRT -> x.sqrt();
            case SQUARE -> x.mul(x);
            case RECIPROCAL -> Lanes.all(1f).div(x);
            default -> x.max(0f);
          };
      value.intoArray(y, i);
    }
  }

  static void exp(MemorySegment x, long at, int n, float[] y) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMath.exp(Lanes.load(x, at + 4L * i)).intoArray(y, i);
    }
  }

  static void log(MemorySegment x, long at, int n, float[] y) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMath.log(Lanes.load(x, at + 4L * i)).intoArray(y, i);
    }
  }

  static void tanh(MemorySegment x, long at, int n, float[] y) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMath.tanh(Lanes.load(x, at + 4L * i)).intoArray(y, i);
    }
  }

  static void sigmoid(MemorySegment x, long at, int n, float[] y) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMath.sigmoid(Lanes.load(x, at + 4L * i)).intoArray(y, i);
    }
  }

  static void silu(MemorySegment in, long at, int n, float[] y) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector x = Lanes.load(in, at + 4L * i);
      VectorMath.sigmoid(x).mul(x).intoArray(y, i);
    }
  }

  /** {@code max(0, x) + ln(1 + e^−|x|)}. */
  private static void softplus(MemorySegment in, long at, int n, float[] y) {
    expOfMinusMagnitude(in, at, n, y);
    logOfOnePlus(y, n);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector rest = FloatVector.fromArray(Lanes.SPECIES, y, i);
      Lanes.load(in, at + 4L * i).max(0f).add(rest).intoArray(y, i);
    }
  }

  static void expOfMinusMagnitude(MemorySegment x, long at, int n, float[] y) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMath.expOfMinusMagnitude(Lanes.load(x, at + 4L * i)).intoArray(y, i);
    }
  }

  /** ln(1 + y), in place. */
  static void logOfOnePlus(float[] y, int n) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector x = FloatVector.fromArray(Lanes.SPECIES, y, i);
      VectorMath.logOfOnePlus(x).intoArray(y, i);
    }
  }
}

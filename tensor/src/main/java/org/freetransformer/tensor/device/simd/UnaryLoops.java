package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.ABS;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.UnaryFunction;

/** Functions of one number and their derivatives. */
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
      Lanes.store(accumulate ? y.add(Lanes.load(out, to)) : y, out, to);
    }
  }

  static Kernel unary(Instruction.Unary instruction, Workers workers) {
    UnaryFunction function = instruction.function();
    boolean accumulate = instruction.out().accumulate();
    return new Elementwise(
        workers,
        instruction.out(),
        (memory, at, n, _, _) -> {
          for (int i = 0; i < n; i += Lanes.COUNT) {
            FloatVector y = value(function, Lanes.load(memory[1], at[1] + 4L * i));
            put(y, memory[0], at[0] + 4L * i, accumulate);
          }
        },
        instruction.in());
  }

  static Kernel backward(Instruction.UnaryBackward instruction, Workers workers) {
    UnaryFunction function = instruction.function();
    boolean accumulate = instruction.dx().accumulate();
    return new Elementwise(
        workers,
        instruction.dx(),
        (memory, at, n, _, _) -> {
          for (int i = 0; i < n; i += Lanes.COUNT) {
            FloatVector slope = derivative(function, Lanes.load(memory[1], at[1] + 4L * i));
            FloatVector y = slope.mul(Lanes.load(memory[2], at[2] + 4L * i));
            put(y, memory[0], at[0] + 4L * i, accumulate);
          }
        },
        instruction.x(),
        instruction.dy());
  }

  private static void put(FloatVector y, MemorySegment out, long to, boolean accumulate) {
    Lanes.store(accumulate ? y.add(Lanes.load(out, to)) : y, out, to);
  }

  private static FloatVector value(UnaryFunction function, FloatVector x) {
    return switch (function) {
      case NEGATE -> x.neg();
      case ABS -> x.lanewise(ABS);
      case EXP -> VectorMath.exp(x);
      case LOG -> VectorMath.log(x);
      case SQRT -> x.sqrt();
      case SQUARE -> x.mul(x);
      case RECIPROCAL -> Lanes.all(1f).div(x);
      case TANH -> VectorMath.tanh(x);
      case SIGMOID -> VectorMath.sigmoid(x);
      case SILU -> x.mul(VectorMath.sigmoid(x));
      case RELU -> x.max(0f);
      case SOFTPLUS -> VectorMath.softplus(x);
    };
  }

  private static FloatVector derivative(UnaryFunction function, FloatVector x) {
    return switch (function) {
      case NEGATE -> Lanes.all(-1f);
      case ABS -> sign(x);
      case EXP -> VectorMath.exp(x);
      case LOG -> Lanes.all(1f).div(x);
      case SQRT -> Lanes.all(0.5f).div(x.sqrt());
      case SQUARE -> x.add(x);
      case RECIPROCAL -> Lanes.all(-1f).div(x.mul(x));
      case TANH -> tanhSlope(x);
      case SIGMOID -> VectorMath.sigmoid(x).mul(VectorMath.sigmoid(x.neg()));
      case SILU -> siluSlope(x);
      case RELU -> Lanes.all(1f).blend(0f, x.compare(LE, 0f));
      case SOFTPLUS -> VectorMath.sigmoid(x);
    };
  }

  private static FloatVector sign(FloatVector x) {
    return x.blend(-1f, x.compare(LT, 0f)).blend(1f, x.neg().compare(LT, 0f));
  }

  /** 1 − tanh² = 4·σ(2x)·σ(−2x), which does not cancel. */
  private static FloatVector tanhSlope(FloatVector x) {
    FloatVector twice = x.add(x);
    return VectorMath.sigmoid(twice).mul(VectorMath.sigmoid(twice.neg())).mul(4f);
  }

  private static FloatVector siluSlope(FloatVector x) {
    FloatVector other = VectorMath.sigmoid(x.neg());
    return VectorMath.sigmoid(x).mul(x.mul(other).add(1f));
  }
}

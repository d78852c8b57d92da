package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.NE;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.BinaryFunction;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/** Functions of two numbers, and the choice between two. */
final class BinaryLoops {
  private BinaryLoops() {}

  static Kernel binary(Instruction.Binary instruction, Workers workers) {
    BinaryFunction function = instruction.function();
    boolean accumulate = instruction.out().accumulate();
    Elementwise.Body body =
        function.isComparison()
            ? (memory, at, n, _, _) -> compare(function, memory, at, n, accumulate)
            : (memory, at, n, _, _) -> compute(function, memory, at, n, accumulate);
    return new Elementwise(workers, instruction.out(), body, instruction.a(), instruction.b());
  }

  private static void compute(
      BinaryFunction function, MemorySegment[] memory, long[] at, int n, boolean accumulate) {
    MemorySegment out = memory[0];
    long to = at[0];
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector a = Lanes.load(memory[1], at[1] + 4L * i);
      FloatVector b = Lanes.load(memory[2], at[2] + 4L * i);
      FloatVector y =
          switch (function) {
            case ADD -> a.add(b);
            case SUBTRACT -> a.sub(b);
            case MULTIPLY -> a.mul(b);
            case DIVIDE -> a.div(b);
            case MAX -> a.max(b);
            default -> a.min(b);
          };
      Lanes.put(y, accumulate, out, to + 4L * i);
    }
  }

  private static void compare(
      BinaryFunction function, MemorySegment[] memory, long[] at, int n, boolean accumulate) {
    MemorySegment out = memory[0];
    long to = at[0];
    FloatVector zero = FloatVector.zero(Lanes.SPECIES);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector a = Lanes.load(memory[1], at[1] + 4L * i);
      FloatVector b = Lanes.load(memory[2], at[2] + 4L * i);
      VectorMask<Float> holds =
          switch (function) {
            case EQUAL -> a.compare(EQ, b);
            case NOT_EQUAL -> a.compare(NE, b);
            case GREATER -> a.compare(GT, b);
            default -> a.compare(LT, b);
          };
      FloatVector y = zero.blend(1f, holds);
      Lanes.put(y, accumulate, out, to + 4L * i);
    }
  }

  static Kernel select(Instruction.Select instruction, Workers workers) {
    boolean accumulate = instruction.out().accumulate();
    return new Elementwise(
        workers,
        instruction.out(),
        (memory, at, n, _, _) -> choose(memory, at, n, accumulate),
        instruction.condition(),
        instruction.a(),
        instruction.b());
  }

  private static void choose(MemorySegment[] memory, long[] at, int n, boolean accumulate) {
    MemorySegment out = memory[0];
    long to = at[0];
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMask<Float> holds = Lanes.load(memory[1], at[1] + 4L * i).compare(NE, 0f);
      FloatVector a = Lanes.load(memory[2], at[2] + 4L * i);
      FloatVector y = Lanes.load(memory[3], at[3] + 4L * i).blend(a, holds);
      Lanes.put(y, accumulate, out, to + 4L * i);
    }
  }
}

package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;

/** The gated unit {@code silu(gate)·up} and its gradients. */
final class SwiGlu {
  private static final int SIGMOIDS = 0;

  private SwiGlu() {}

  static Kernel forward(Instruction.SwiGlu instruction, Workers workers) {
    boolean accumulate = instruction.out().accumulate();
    return new Elementwise(
        workers,
        instruction.out(),
        (memory, at, n, _, _) ->
            gate(memory[1], at[1], memory[2], at[2], memory[0], at[0], n, accumulate),
        instruction.gate(),
        instruction.up());
  }

  static void gate(
      MemorySegment gates,
      long gatesAt,
      MemorySegment ups,
      long upsAt,
      MemorySegment out,
      long outAt,
      int n,
      boolean accumulate) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector gate = Lanes.load(gates, gatesAt + 4L * i);
      FloatVector y = gate.mul(Lanes.load(ups, upsAt + 4L * i)).mul(VectorMath.sigmoid(gate));
      Lanes.put(y, accumulate, out, outAt + 4L * i);
    }
  }

  static Kernel backward(Instruction.SwiGluBackward instruction, Workers workers) {
    Output dgate = instruction.dgate();
    Output dup = instruction.dup();
    List<Output> outputs = new ArrayList<>();
    if (dgate != null) {
      outputs.add(dgate);
    }
    if (dup != null) {
      outputs.add(dup);
    }
    if (outputs.isEmpty()) {
      return () -> {};
    }
    workers.requireArray(SIGMOIDS, Elementwise.RUN);
    int first = outputs.size();
    Elementwise.Body body =
        (memory, at, n, _, worker) -> {
          float[] sigmoids = workers.array(SIGMOIDS, worker);
          sigmoids(memory[first], at[first], n, sigmoids);
          if (dgate != null && dup != null) {
            gradients(memory, at, n, sigmoids, dgate.accumulate(), dup.accumulate());
          } else if (dgate != null) {
            gateGradients(memory, at, n, sigmoids, dgate.accumulate());
          } else if (dup != null) {
            upGradients(memory, at, n, sigmoids, dup.accumulate());
          }
        };
    return new Elementwise(
        workers, outputs, body, instruction.gate(), instruction.up(), instruction.dy());
  }

  static void sigmoids(MemorySegment gates, long gatesAt, int n, float[] out) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMath.sigmoid(Lanes.load(gates, gatesAt + 4L * i)).intoArray(out, i);
    }
  }

  /**
   * {@code dgate = dy·up·σ·(1 + gate·(1 − σ))} and {@code dup = dy·gate·σ}: outputs 0 and 1, before
   * gate, up and dy. In one loop, as either may take the place of an input.
   */
  private static void gradients(
      MemorySegment[] memory, long[] at, int n, float[] sigmoids, boolean addGate, boolean addUp) {
    FloatVector one = Lanes.all(1f);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector x = Lanes.load(memory[2], at[2] + 4L * i);
      FloatVector up = Lanes.load(memory[3], at[3] + 4L * i);
      FloatVector dy = Lanes.load(memory[4], at[4] + 4L * i);
      FloatVector sigma = FloatVector.fromArray(Lanes.SPECIES, sigmoids, i);
      FloatVector slope = one.sub(sigma).fma(x, one).mul(sigma);
      Lanes.put(dy.mul(up).mul(slope), addGate, memory[0], at[0] + 4L * i);
      Lanes.put(sigma.mul(x).mul(dy), addUp, memory[1], at[1] + 4L * i);
    }
  }

  /** {@code dgate} alone: output 0, before gate, up and dy. */
  private static void gateGradients(
      MemorySegment[] memory, long[] at, int n, float[] sigmoids, boolean accumulate) {
    FloatVector one = Lanes.all(1f);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector x = Lanes.load(memory[1], at[1] + 4L * i);
      FloatVector sigma = FloatVector.fromArray(Lanes.SPECIES, sigmoids, i);
      FloatVector slope = one.sub(sigma).fma(x, one).mul(sigma);
      FloatVector up = Lanes.load(memory[2], at[2] + 4L * i);
      FloatVector dy = Lanes.load(memory[3], at[3] + 4L * i);
      Lanes.put(dy.mul(up).mul(slope), accumulate, memory[0], at[0] + 4L * i);
    }
  }

  /** {@code dup} alone: output 0, before gate, up and dy. */
  private static void upGradients(
      MemorySegment[] memory, long[] at, int n, float[] sigmoids, boolean accumulate) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector x = Lanes.load(memory[1], at[1] + 4L * i);
      FloatVector dy = Lanes.load(memory[3], at[3] + 4L * i);
      FloatVector sigma = FloatVector.fromArray(Lanes.SPECIES, sigmoids, i);
      Lanes.put(sigma.mul(x).mul(dy), accumulate, memory[0], at[0] + 4L * i);
    }
  }
}

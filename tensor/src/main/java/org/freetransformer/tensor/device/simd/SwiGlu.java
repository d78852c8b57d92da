package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;
import org.jspecify.annotations.Nullable;

/** The gated unit {@code silu(gate)·up} and its gradients. */
final class SwiGlu {
  private SwiGlu() {}

  static Kernel forward(Instruction.SwiGlu instruction, Workers workers) {
    boolean accumulate = instruction.out().accumulate();
    return new Elementwise(
        workers,
        instruction.out(),
        (memory, at, n, _, _) -> {
          for (int i = 0; i < n; i += Lanes.COUNT) {
            FloatVector gate = Lanes.load(memory[1], at[1] + 4L * i);
            FloatVector up = Lanes.load(memory[2], at[2] + 4L * i);
            FloatVector y = gate.mul(VectorMath.sigmoid(gate)).mul(up);
            long to = at[0] + 4L * i;
            Lanes.store(accumulate ? y.add(Lanes.load(memory[0], to)) : y, memory[0], to);
          }
        },
        instruction.gate(),
        instruction.up());
  }

  static Kernel backward(Instruction.SwiGluBackward instruction, Workers workers) {
    MemorySegment gate = Memory.of(instruction.gate());
    MemorySegment up = Memory.of(instruction.up());
    MemorySegment dy = Memory.of(instruction.dy());
    Output outGate = instruction.dgate();
    Output outUp = instruction.dup();
    @Nullable MemorySegment dgate = outGate == null ? null : Memory.of(outGate.buffer());
    @Nullable MemorySegment dup = outUp == null ? null : Memory.of(outUp.buffer());
    boolean addGate = outGate != null && outGate.accumulate();
    boolean addUp = outUp != null && outUp.accumulate();
    long size = instruction.gate().size();
    ThreadTeam.Task task =
        (block, _) -> {
          long start = 4L * block * Workers.BLOCK;
          int n = (int) Math.min(Workers.BLOCK, size - (long) block * Workers.BLOCK);
          if (dgate != null) {
            gateGradients(gate, up, dy, dgate, start, n, addGate);
          }
          if (dup != null) {
            upGradients(gate, dy, dup, start, n, addUp);
          }
        };
    int blocks = Workers.blocks(size);
    return () -> workers.run(blocks, size, task);
  }

  /** {@code dgate = dy·up·σ·(1 + gate·(1 − σ))}. */
  private static void gateGradients(
      MemorySegment gate,
      MemorySegment up,
      MemorySegment dy,
      MemorySegment dgate,
      long start,
      int n,
      boolean accumulate) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      long at = start + 4L * i;
      FloatVector x = Lanes.load(gate, at, mask);
      FloatVector sigma = VectorMath.sigmoid(x);
      FloatVector slope = x.sub(x.mul(sigma)).add(1f).mul(sigma);
      FloatVector g = Lanes.load(up, at, mask).mul(Lanes.load(dy, at, mask)).mul(slope);
      Lanes.store(accumulate ? g.add(Lanes.load(dgate, at, mask)) : g, dgate, at, mask);
    }
  }

  /** {@code dup = dy·gate·σ}. */
  private static void upGradients(
      MemorySegment gate,
      MemorySegment dy,
      MemorySegment dup,
      long start,
      int n,
      boolean accumulate) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      long at = start + 4L * i;
      FloatVector x = Lanes.load(gate, at, mask);
      FloatVector g = x.mul(VectorMath.sigmoid(x)).mul(Lanes.load(dy, at, mask));
      Lanes.store(accumulate ? g.add(Lanes.load(dup, at, mask)) : g, dup, at, mask);
    }
  }
}

package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/**
 * The AdamW update of parameter and moments and the clearing of the gradient in one pass. What of a
 * gradient is zero already, as most of a table's rows are, is not written.
 */
final class AdamW implements Kernel, ThreadTeam.Task {
  /** Elements whose gradient is still in the first-level cache when it is cleared. */
  private static final int PIECE = 2048;

  private static final MemorySegment ZEROS = MemorySegment.ofArray(new float[PIECE]);

  private final Workers workers;
  private final Instruction.AdamW rule;
  private final MemorySegment parameter;
  private final MemorySegment gradient;
  private final MemorySegment firstMoment;
  private final MemorySegment secondMoment;
  private final MemorySegment schedule;
  private final MemorySegment gradientScale;
  private final long size;
  private final int blocks;

  // What one run needs of the schedule, read once at its start.
  private float scale;
  private float stepSize;
  private float secondFactor;
  private float decay;

  AdamW(Instruction.AdamW instruction, Workers workers) {
    this.workers = workers;
    rule = instruction;
    parameter = Memory.of(instruction.parameter());
    gradient = Memory.of(instruction.gradient());
    firstMoment = Memory.of(instruction.firstMoment());
    secondMoment = Memory.of(instruction.secondMoment());
    schedule = Memory.of(instruction.schedule());
    gradientScale = Memory.of(instruction.gradientScale());
    size = instruction.parameter().size();
    blocks = Workers.blocks(size);
  }

  @Override
  public void run() {
    double rate = Memory.floatAt(schedule, 0);
    scale = Memory.floatAt(gradientScale, 0);
    stepSize = (float) (rate / Memory.floatAt(schedule, 1));
    secondFactor = 1 / Memory.floatAt(schedule, 2);
    decay = (float) (rate * rule.weightDecay());
    workers.run(blocks, size, this);
  }

  @Override
  public void run(int block, int worker) {
    long first = (long) block * Workers.BLOCK;
    int n = (int) Math.min(Workers.BLOCK, size - first);
    for (int i = 0; i < n; i += PIECE) {
      update((first + i) * Float.BYTES, Math.min(PIECE, n - i));
    }
  }

  private void update(long start, int n) {
    int whole = Lanes.whole(n);
    updateWhole(start, whole);
    for (int i = whole; i < n; i++) {
      updateOne(start + (long) i * Float.BYTES);
    }
    long bytes = (long) n * Float.BYTES;
    if (MemorySegment.mismatch(gradient, start, start + bytes, ZEROS, 0, bytes) >= 0) {
      MemorySegment.copy(ZEROS, 0, gradient, start, bytes);
    }
  }

  // Without masks: each would cost so much of what C2 is willing to inline that vectors were
  // objects.
  private void updateWhole(long start, int n) {
    float beta1 = (float) rule.beta1();
    float beta2 = (float) rule.beta2();
    float rest1 = (float) (1 - rule.beta1());
    float rest2 = (float) (1 - rule.beta2());
    float epsilon = (float) rule.epsilon();
    for (int i = 0; i < n; i += Lanes.COUNT) {
      long at = start + 4L * i;
      FloatVector g = Lanes.load(gradient, at).mul(scale);
      FloatVector m = g.fma(Lanes.all(rest1), Lanes.load(firstMoment, at).mul(beta1));
      Lanes.store(m, firstMoment, at);
      FloatVector v = g.mul(rest2).fma(g, Lanes.load(secondMoment, at).mul(beta2));
      Lanes.store(v, secondMoment, at);
      FloatVector root = v.mul(secondFactor).sqrt().add(epsilon);
      FloatVector p = Lanes.load(parameter, at);
      FloatVector change = m.mul(stepSize).div(root);
      Lanes.store(p.sub(p.mul(decay)).sub(change), parameter, at);
    }
  }

  private void updateOne(long at) {
    float g = gradient.get(Memory.FLOAT, at) * scale;
    float m =
        Math.fma(
            g,
            (float) (1 - rule.beta1()),
            firstMoment.get(Memory.FLOAT, at) * (float) rule.beta1());
    firstMoment.set(Memory.FLOAT, at, m);
    float v =
        Math.fma(
            g * (float) (1 - rule.beta2()),
            g,
            secondMoment.get(Memory.FLOAT, at) * (float) rule.beta2());
    secondMoment.set(Memory.FLOAT, at, v);
    float root = (float) Math.sqrt(v * secondFactor) + (float) rule.epsilon();
    float p = parameter.get(Memory.FLOAT, at);
    parameter.set(Memory.FLOAT, at, p - p * decay - m * stepSize / root);
  }
}

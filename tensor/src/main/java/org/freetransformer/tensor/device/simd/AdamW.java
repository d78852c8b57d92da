package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/** The AdamW update of parameter and moments in one pass. */
final class AdamW implements Kernel, ThreadTeam.Task {
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
    long start = 4L * block * Workers.BLOCK;
    int n = (int) Math.min(Workers.BLOCK, size - (long) block * Workers.BLOCK);
    float beta1 = (float) rule.beta1();
    float beta2 = (float) rule.beta2();
    float rest1 = (float) (1 - rule.beta1());
    float rest2 = (float) (1 - rule.beta2());
    for (int i = 0; i < n; i += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.mask(i, n);
      long at = start + 4L * i;
      FloatVector g = Lanes.load(gradient, at, mask).mul(scale);
      FloatVector m = Lanes.load(firstMoment, at, mask).mul(beta1);
      m = g.fma(Lanes.all(rest1), m);
      Lanes.store(m, firstMoment, at, mask);
      FloatVector v = Lanes.load(secondMoment, at, mask).mul(beta2);
      v = g.mul(rest2).fma(g, v);
      Lanes.store(v, secondMoment, at, mask);
      FloatVector root = v.mul(secondFactor).sqrt().add((float) rule.epsilon());
      FloatVector p = Lanes.load(parameter, at, mask);
      FloatVector change = m.mul(stepSize).div(root);
      Lanes.store(p.sub(p.mul(decay)).sub(change), parameter, at, mask);
    }
  }
}

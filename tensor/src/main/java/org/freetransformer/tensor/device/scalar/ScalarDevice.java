package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.CpuDevice;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/**
 * The obvious loops, one element after the other on one thread, with all arithmetic in double
 * precision: the definition of what every instruction computes, and the oracle of every other
 * device. It needs nothing beyond the JDK's standard modules, and takes every floating type.
 */
public final class ScalarDevice extends CpuDevice {
  /** A device without any memory taken yet. */
  public ScalarDevice() {}

  @Override
  public String name() {
    return "cpu-scalar";
  }

  @Override
  public String description() {
    return "plain loops in double precision, 1 thread";
  }

  @Override
  public Kernel prepare(Instruction instruction) {
    return switch (instruction) {
      case Instruction.Fill op -> ScalarElementwise.fill(op);
      case Instruction.Copy op -> ScalarElementwise.copy(op);
      case Instruction.Random op -> ScalarRandom.random(op);
      case Instruction.Affine op -> ScalarElementwise.affine(op);
      case Instruction.Unary op -> ScalarElementwise.unary(op);
      case Instruction.UnaryBackward op -> ScalarElementwise.unaryBackward(op);
      case Instruction.Binary op -> ScalarElementwise.binary(op);
      case Instruction.Select op -> ScalarElementwise.select(op);
      case Instruction.Dropout op -> ScalarRandom.dropout(op);
      case Instruction.Reduce op -> ScalarReduce.reduce(op);
      case Instruction.MatMul op -> ScalarMatMul.of(op);
      case Instruction.QuantizedLinear op -> ScalarQuantizedLinear.of(op);
      case Instruction.Gather op -> ScalarRows.gather(op);
      case Instruction.ScatterAdd op -> ScalarRows.scatterAdd(op);
      case Instruction.ScatterRows op -> ScalarRows.scatterRows(op);
      case Instruction.Softmax op -> ScalarSoftmax.forward(op);
      case Instruction.SoftmaxBackward op -> ScalarSoftmax.backward(op);
      case Instruction.RmsNorm op -> ScalarRmsNorm.forward(op);
      case Instruction.RmsNormBackward op -> ScalarRmsNorm.backward(op);
      case Instruction.Rope op -> ScalarRope.of(op);
      case Instruction.SwiGlu op -> ScalarElementwise.swiGlu(op);
      case Instruction.SwiGluBackward op -> ScalarElementwise.swiGluBackward(op);
      case Instruction.Attention op -> ScalarAttention.of(op);
      case Instruction.AttentionBackward op -> ScalarAttentionBackward.of(op);
      case Instruction.CrossEntropy op -> ScalarCrossEntropy.forward(op);
      case Instruction.CrossEntropyBackward op -> ScalarCrossEntropy.backward(op);
      case Instruction.SamplePlan op -> ScalarPlan.sample(op);
      case Instruction.PlanBits op -> ScalarPlan.bits(op);
      case Instruction.BinaryMapperBackward op -> ScalarBinaryMapper.backward(op);
      case Instruction.BernoulliKl op -> ScalarBernoulliKl.forward(op);
      case Instruction.BernoulliKlBackward op -> ScalarBernoulliKl.backward(op);
      case Instruction.AdamW op -> ScalarAdamW.of(op);
      case Instruction.HostCall op -> hostCall(op);
    };
  }
}

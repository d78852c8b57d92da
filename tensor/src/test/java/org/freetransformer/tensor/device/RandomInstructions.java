package org.freetransformer.tensor.device;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** A generator of random instances for every instruction of the set. */
final class RandomInstructions {
  /**
   * A random instruction, and how far results may differ.
   *
   * @param instruction the instruction, on buffers of one device
   * @param length how many rounding errors add up in one result; 0 if results must be the same
   */
  record Case(Instruction instruction, int length) {}

  /** Makes a case on the device of the operands; the same operands seed makes the same case. */
  @FunctionalInterface
  interface Generator {
    Case make(Operands operands);
  }

  private RandomInstructions() {}

  /** The generator of one kind of instruction. */
  static Generator of(Class<? extends Instruction> kind) {
    return Objects.requireNonNull(generators().get(kind), kind.getName());
  }

  /** One generator for each kind of instruction. */
  static Map<Class<? extends Instruction>, Generator> generators() {
    Map<Class<? extends Instruction>, Generator> all = new LinkedHashMap<>();
    all.put(Instruction.Fill.class, ElementwiseCases::fill);
    all.put(Instruction.Copy.class, ElementwiseCases::copy);
    all.put(Instruction.Random.class, ElementwiseCases::random);
    all.put(Instruction.Affine.class, ElementwiseCases::affine);
    all.put(Instruction.Unary.class, ElementwiseCases::unary);
    all.put(Instruction.UnaryBackward.class, ElementwiseCases::unaryBackward);
    all.put(Instruction.Binary.class, ElementwiseCases::binary);
    all.put(Instruction.Select.class, ElementwiseCases::select);
    all.put(Instruction.Dropout.class, ElementwiseCases::dropout);
    all.put(Instruction.Reduce.class, ProductCases::reduce);
    all.put(Instruction.MatMul.class, ProductCases::matMul);
    all.put(Instruction.QuantizedLinear.class, ProductCases::quantizedLinear);
    all.put(Instruction.Gather.class, ProductCases::gather);
    all.put(Instruction.ScatterAdd.class, ProductCases::scatterAdd);
    all.put(Instruction.ScatterRows.class, ProductCases::scatterRows);
    all.put(Instruction.Softmax.class, BlockCases::softmax);
    all.put(Instruction.SoftmaxBackward.class, BlockCases::softmaxBackward);
    all.put(Instruction.RmsNorm.class, BlockCases::rmsNorm);
    all.put(Instruction.RmsNormBackward.class, BlockCases::rmsNormBackward);
    all.put(Instruction.Rope.class, BlockCases::rope);
    all.put(Instruction.SwiGlu.class, BlockCases::swiGlu);
    all.put(Instruction.SwiGluBackward.class, BlockCases::swiGluBackward);
    all.put(Instruction.Attention.class, AttentionCases::attention);
    all.put(Instruction.AttentionBackward.class, AttentionCases::attentionBackward);
    all.put(Instruction.CrossEntropy.class, BlockCases::crossEntropy);
    all.put(Instruction.CrossEntropyBackward.class, BlockCases::crossEntropyBackward);
    all.put(Instruction.SamplePlan.class, PlanCases::samplePlan);
    all.put(Instruction.PlanBits.class, PlanCases::planBits);
    all.put(Instruction.BinaryMapperBackward.class, PlanCases::binaryMapperBackward);
    all.put(Instruction.BernoulliKl.class, PlanCases::bernoulliKl);
    all.put(Instruction.BernoulliKlBackward.class, PlanCases::bernoulliKlBackward);
    all.put(Instruction.AdamW.class, ElementwiseCases::adamW);
    all.put(Instruction.HostCall.class, ElementwiseCases::hostCall);
    return all;
  }
}

package org.freetransformer.tensor.device.simd;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.ReduceFunction;
import org.freetransformer.tensor.device.UnaryFunction;

/** The hot kernels other than matrix products, called through the instructions that need them. */
final class HotPasses {
  private static final int ROWS = 3;
  private static final int SIZE = 48;

  // A run of attention calls its kernels for each tile.
  private static final int CALLS = 300;
  private static final int TILED_CALLS = 60;

  private final SimdDevice device = new SimdDevice(1, ColdKernels.none());

  private HotPasses() {}

  static List<HotKernels.Kernel> all() {
    HotPasses passes = new HotPasses();
    return List.of(
        passes.kernel("Attention::exponentials", passes.attention()),
        passes.kernel("ScoreGradients::probabilities", passes.attentionBackward()),
        passes.kernel("ScoreGradients::gradients", passes.attentionBackward()),
        passes.kernel("DecodingKernel::scoreFour", passes.decoding(4 * Lanes.COUNT), CALLS),
        passes.kernel("DecodingKernel::dotEight", passes.decoding()),
        passes.kernel("DecodingKernel::dotFour", passes.decoding()),
        passes.kernel("DecodingKernel::dotOne", passes.decoding()),
        passes.kernel("DecodingKernel::addEight", passes.decoding()),
        passes.kernel("DecodingKernel::addFour", passes.decoding()),
        passes.kernel("DecodingKernel::addOne", passes.decoding()),
        passes.kernel("RmsNorm::scale", passes.rmsNorm()),
        passes.kernel("RmsNormBackward::inputGradient", passes.rmsNormBackward()),
        passes.kernel("RmsNormBackward::addWeightGradient", passes.rmsNormBackward()),
        passes.kernel("Rope::turn", passes.rope()),
        passes.kernel("SwiGlu::gate", passes.swiGlu()),
        passes.kernel("SwiGlu::gradients", passes.swiGluBackward()),
        passes.kernel("LogSumExp::sumWhole", passes.crossEntropy()),
        passes.kernel("CrossEntropy::probabilitiesWhole", passes.crossEntropyBackward()),
        passes.kernel("Softmax::exponentialsWhole", passes.softmax(Output.to(passes.rows()))),
        passes.kernel("Softmax::weightsWhole", passes.softmax(passes.output(ROWS, SIZE))),
        passes.kernel("Softmax::weightGradients", passes.softmaxBackward(false)),
        passes.kernel("Softmax::logarithmGradients", passes.softmaxBackward(true)),
        passes.kernel("AdamW::updateWhole", passes.adamW()),
        passes.kernel("SquareSum::addWhole", passes.squareSum()),
        passes.kernel("UnaryLoops::tanh", passes.unary(UnaryFunction.TANH)),
        passes.kernel("UnaryLoops::log", passes.unary(UnaryFunction.LOG)),
        passes.kernel("UnaryLoops::exp", passes.unary(UnaryFunction.EXP)),
        passes.kernel("UnaryLoops::logOfOnePlus", passes.unary(UnaryFunction.SOFTPLUS)),
        passes.kernel("VectorPhilox::draw", passes.dropout()),
        passes.kernel("RandomLoops::drop", passes.dropout()),
        passes.kernel("Plans::drawWhole", passes.samplePlan()),
        passes.kernel("BinaryMapper::fold", passes.binaryMapper()),
        passes.kernel("Halves::widenBf16", passes.cast(DType.BF16, DType.F32)),
        passes.kernel("Halves::widenF16", passes.cast(DType.F16, DType.F32)),
        passes.kernel("Halves::narrowBf16", passes.cast(DType.F32, DType.BF16)),
        passes.kernel("Halves::narrowF16", passes.cast(DType.F32, DType.F16)),
        passes.kernel("HalfPacking::spread", passes.halfProduct()),
        passes.kernel("WidenedLinear::widen", passes.quantizedPrompt()));
  }

  private HotKernels.Kernel kernel(String method, Instruction instruction) {
    boolean tiled =
        instruction instanceof Instruction.Attention
            || instruction instanceof Instruction.AttentionBackward;
    return kernel(method, instruction, tiled ? TILED_CALLS : CALLS);
  }

  private HotKernels.Kernel kernel(String method, Instruction instruction, int calls) {
    return new HotKernels.Kernel(method, device.prepare(instruction)::run, calls);
  }

  private Instruction quantizedPrompt() {
    int rows = SkinnyGemm.MAX_ROWS + 1;
    return new Instruction.QuantizedLinear(
        buffer(DType.F32, rows, SIZE),
        buffer(DType.I8, SIZE, SIZE),
        buffer(DType.F32, SIZE),
        Output.to(buffer(DType.F32, rows, SIZE)));
  }

  private Buffer buffer(DType dtype, int... dims) {
    Buffer buffer = SimdDevices.buffer(device, dtype, dims);
    device.prepare(new Instruction.Fill(buffer, 0)).run();
    return buffer;
  }

  private Buffer rows() {
    return buffer(DType.F32, ROWS, SIZE);
  }

  private Output output(int... dims) {
    return Output.addTo(buffer(DType.F32, dims));
  }

  private Buffer heads() {
    return buffer(DType.F32, 1, ROWS * 16, 1, SIZE);
  }

  private static AttentionRule rule() {
    return new AttentionRule(1, true, null, 0, null, 0);
  }

  private Instruction attention() {
    Buffer lse = buffer(DType.F32, 1, 1, ROWS * 16);
    return new Instruction.Attention(heads(), heads(), heads(), rule(), heads(), lse);
  }

  private Instruction decoding() {
    // So wide that the loops for eight vectors, for four and for one are all called.
    return decoding(13 * Lanes.COUNT + 3);
  }

  private Instruction decoding(int size) {
    Buffer query = buffer(DType.F32, 1, 1, 1, size);
    Buffer keys = buffer(DType.F32, 1, ROWS * 16 + 3, 1, size);
    Buffer lse = buffer(DType.F32, 1, 1, 1);
    Buffer out = buffer(DType.F32, 1, 1, 1, size);
    return new Instruction.Attention(query, keys, keys, rule(), out, lse);
  }

  private Instruction attentionBackward() {
    return new Instruction.AttentionBackward(
        heads(),
        heads(),
        heads(),
        rule(),
        heads(),
        buffer(DType.F32, 1, 1, ROWS * 16),
        heads(),
        Output.to(heads()),
        Output.to(heads()),
        Output.to(heads()));
  }

  private Instruction rmsNorm() {
    return new Instruction.RmsNorm(
        rows(), buffer(DType.F32, SIZE), 1e-6, output(ROWS, SIZE), buffer(DType.F32, ROWS));
  }

  private Instruction rmsNormBackward() {
    return new Instruction.RmsNormBackward(
        rows(),
        buffer(DType.F32, SIZE),
        buffer(DType.F32, ROWS),
        rows(),
        output(ROWS, SIZE),
        output(SIZE));
  }

  private Instruction rope() {
    return new Instruction.Rope(
        buffer(DType.F32, 1, ROWS, 1, SIZE),
        buffer(DType.I32, 1, ROWS),
        buffer(DType.F32, ROWS, SIZE),
        false,
        output(1, ROWS, 1, SIZE));
  }

  private Instruction swiGlu() {
    return new Instruction.SwiGlu(rows(), rows(), output(ROWS, SIZE));
  }

  private Instruction swiGluBackward() {
    return new Instruction.SwiGluBackward(
        rows(), rows(), rows(), output(ROWS, SIZE), output(ROWS, SIZE));
  }

  private Instruction crossEntropy() {
    Buffer targets = buffer(DType.I32, ROWS);
    return new Instruction.CrossEntropy(
        rows(), targets, -100, buffer(DType.F32, ROWS), buffer(DType.F32, ROWS));
  }

  private Instruction crossEntropyBackward() {
    return new Instruction.CrossEntropyBackward(
        rows(),
        buffer(DType.I32, ROWS),
        -100,
        buffer(DType.F32, ROWS),
        buffer(DType.F32, ROWS),
        output(ROWS, SIZE));
  }

  private Instruction softmax(Output out) {
    return new Instruction.Softmax(rows(), false, out);
  }

  private Instruction softmaxBackward(boolean logarithm) {
    return new Instruction.SoftmaxBackward(rows(), rows(), logarithm, output(ROWS, SIZE));
  }

  private Instruction cast(DType from, DType to) {
    return new Instruction.Copy(buffer(from, ROWS, SIZE), Output.to(buffer(to, ROWS, SIZE)));
  }

  /** aᵀ·b. */
  private Instruction halfProduct() {
    Buffer a = buffer(DType.BF16, SIZE, SIZE);
    return new Instruction.MatMul(
        a.with(a.layout().transpose(0, 1)),
        buffer(DType.BF16, SIZE, SIZE),
        1,
        Output.addTo(buffer(DType.BF16, SIZE, SIZE)));
  }

  private Instruction adamW() {
    Buffer schedule = buffer(DType.F32, 3);
    device.prepare(new Instruction.Fill(schedule, 0.5)).run();
    Buffer scale = buffer(DType.F32, 1);
    return new Instruction.AdamW(
        rows(), rows(), rows(), rows(), schedule, scale, 0.9, 0.99, 1e-8, 0.1);
  }

  private Instruction squareSum() {
    return new Instruction.Reduce(
        ReduceFunction.SUM_OF_SQUARES, rows(), Output.to(buffer(DType.F64, 1)));
  }

  private Instruction unary(UnaryFunction function) {
    return new Instruction.Unary(function, rows(), output(ROWS, SIZE));
  }

  private Instruction dropout() {
    return new Instruction.Dropout(rows(), 0.1, buffer(DType.I32, 4), 1, output(ROWS, SIZE));
  }

  private Instruction samplePlan() {
    return new Instruction.SamplePlan(
        buffer(DType.F32, ROWS * 16, 16), buffer(DType.I32, 4), 1, buffer(DType.I32, ROWS * 16));
  }

  private Instruction binaryMapper() {
    return new Instruction.BinaryMapperBackward(
        buffer(DType.F32, ROWS, 4),
        buffer(DType.I32, ROWS),
        rows(),
        buffer(DType.F32, 16, SIZE),
        true,
        output(ROWS, 4));
  }
}

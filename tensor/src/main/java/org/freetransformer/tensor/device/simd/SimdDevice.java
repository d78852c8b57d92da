package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.CpuDevice;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Storage;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.freetransformer.tensor.memory.OffHeapStorage;
import org.jspecify.annotations.Nullable;

/**
 * The fast device on the CPU: the Vector API on off-heap memory, and a team of threads. Work is cut
 * into blocks that depend on shapes alone, so that the number of threads never shows in the bits.
 *
 * <p>All of f32 is computed here, with any strides that an instruction allows; and bf16 and f16
 * wherever {@link org.freetransformer.tensor.Precision} puts them, with f32 arithmetic. What is
 * left to the plain loops of {@link ScalarDevice}: f64; other arithmetic on 16 bits; conversions of
 * integers and f64; strided copies of those; reductions over axes that are not neighbours; and
 * matrix products into a result with gaps both ways.
 *
 * <p>Kernels share scratch memory: one thread at a time may run kernels of a device.
 */
public final class SimdDevice extends CpuDevice {
  // Tests fill the scratch memory of both with what a kernel must not read.
  final Workers workers;
  final Gemm gemm;
  private final ScalarDevice plain = new ScalarDevice();
  private final ColdKernels cold;

  /**
   * A device with a team of threads.
   *
   * @param threads how many, the caller's among them, at least 1
   * @throws IllegalArgumentException if {@code threads} is not positive
   */
  public SimdDevice(int threads) {
    this(threads, ColdKernels.untilWarm());
  }

  SimdDevice(int threads, ColdKernels cold) {
    this.cold = cold;
    workers = new Workers(new ThreadTeam(threads));
    try {
      gemm = new Gemm(workers.team());
    } catch (OutOfMemoryError full) {
      workers.close();
      throw full;
    }
  }

  @Override
  public String name() {
    return "cpu-simd";
  }

  @Override
  public String description() {
    return "%d-bit vectors, %d thread%s"
        .formatted(Lanes.SPECIES.vectorBitSize(), workers.size(), workers.size() == 1 ? "" : "s");
  }

  @Override
  public Optional<Storage> adopt(MemorySegment bytes) {
    return Optional.of(OffHeapStorage.of(bytes));
  }

  @Override
  public Kernel prepare(Instruction instruction) {
    return prepare(instruction, () -> vectorized(instruction));
  }

  /** A program's memory can be looked up now, and not when its vector loops are first wanted. */
  @Override
  public Kernel prepare(List<Instruction> instructions) {
    List<Kernel> kernels = new ArrayList<>();
    for (Instruction instruction : instructions) {
      Kernel vectors = vectorized(instruction);
      kernels.add(prepare(instruction, () -> vectors));
    }
    return Kernel.inTurn(JoinedProducts.in(instructions, kernels, workers.team()));
  }

  private Kernel prepare(Instruction instruction, Supplier<Kernel> vectors) {
    return isSingle(instruction) ? cold.of(instruction, vectors) : vectors.get();
  }

  private Kernel vectorized(Instruction instruction) {
    Kernel kernel = isSingle(instruction) ? single(instruction) : mixed(instruction);
    return kernel == null ? plain.prepare(instruction) : kernel;
  }

  /** Whether all floating-point operands are f32. */
  private static boolean isSingle(Instruction instruction) {
    return instruction.reads().stream().allMatch(SimdDevice::isSingle)
        && instruction.writes().stream().allMatch(SimdDevice::isSingle);
  }

  private static boolean isSingle(Buffer buffer) {
    return buffer.dtype() == DType.F32 || !buffer.dtype().isFloating();
  }

  /** Instructions on numbers of 16 bits, or of 16 and 32; else those that move whole elements. */
  private @Nullable Kernel mixed(Instruction instruction) {
    if (!areVectors(instruction.reads()) || !areVectors(instruction.writes())) {
      return bytewise(instruction);
    }
    return switch (instruction) {
      case Instruction.Affine op -> UnaryLoops.affine(op, workers);
      case Instruction.Unary op -> UnaryLoops.unary(op, workers);
      case Instruction.UnaryBackward op -> UnarySlopes.backward(op, workers);
      case Instruction.Binary op when isFloating(op) -> BinaryLoops.binary(op, workers);
      case Instruction.Select op when isFloating(op) -> BinaryLoops.select(op, workers);
      case Instruction.Dropout op -> RandomLoops.dropout(op, workers);
      case Instruction.MatMul op -> MatMul.of(op, gemm);
      case Instruction.RmsNorm op
          when isSingle(op.x()) && isSingle(op.weight()) && isSingle(op.rstd()) ->
          RmsNorm.forward(op, workers);
      case Instruction.RmsNormBackward op when isSingleButSlope(op) ->
          new RmsNormBackward(op, workers);
      case Instruction.Rope op when isSingle(op.table()) -> new Rope(op, workers);
      case Instruction.SwiGlu op -> SwiGlu.forward(op, workers);
      case Instruction.SwiGluBackward op -> SwiGlu.backward(op, workers);
      case Instruction.Attention op when isSingle(op.lse()) && op.q().dim(3) <= Attention.MOST ->
          new Attention(op, workers);
      case Instruction.AttentionBackward op
          when isSingle(op.lse()) && op.q().dim(3) <= Attention.MOST ->
          new AttentionBackward(op, workers);
      default -> bytewise(instruction);
    };
  }

  private static boolean areVectors(List<Buffer> buffers) {
    return buffers.stream().allMatch(buffer -> isSingle(buffer) || Halves.are(buffer.dtype()));
  }

  private static boolean isSingleButSlope(Instruction.RmsNormBackward op) {
    return isSingle(op.x())
        && isSingle(op.weight())
        && isSingle(op.rstd())
        && op.writes().stream().allMatch(SimdDevice::isSingle);
  }

  /** Instructions that move whole elements, whatever their type, and a sum in f64. */
  private @Nullable Kernel bytewise(Instruction instruction) {
    return switch (instruction) {
      case Instruction.Fill op -> Copies.fill(op, workers);
      case Instruction.Copy op -> Copies.copy(op, workers);
      case Instruction.Gather op when !op.out().accumulate() -> TableRows.gather(op, workers);
      case Instruction.ScatterRows op -> TableRows.scatterRows(op);
      case Instruction.Reduce op -> SquareSum.of(op, workers);
      default -> null;
    };
  }

  private @Nullable Kernel single(Instruction instruction) {
    return switch (instruction) {
      case Instruction.Fill op -> Copies.fill(op, workers);
      case Instruction.Copy op -> Copies.copy(op, workers);
      case Instruction.Random op -> RandomLoops.random(op, workers);
      case Instruction.Affine op -> UnaryLoops.affine(op, workers);
      case Instruction.Unary op -> UnaryLoops.unary(op, workers);
      case Instruction.UnaryBackward op -> UnarySlopes.backward(op, workers);
      case Instruction.Binary op -> isFloating(op) ? BinaryLoops.binary(op, workers) : null;
      case Instruction.Select op -> isFloating(op) ? BinaryLoops.select(op, workers) : null;
      case Instruction.Dropout op -> RandomLoops.dropout(op, workers);
      case Instruction.Reduce op -> isFloating(op) ? Reduce.of(op, workers) : null;
      case Instruction.MatMul op -> MatMul.of(op, gemm);
      case Instruction.QuantizedLinear op -> gemm.quantized(op);
      case Instruction.Gather op -> TableRows.gather(op, workers);
      case Instruction.ScatterAdd op -> TableRows.scatterAdd(op, workers);
      case Instruction.ScatterRows op -> TableRows.scatterRows(op);
      case Instruction.Softmax op -> Softmax.forward(op, workers);
      case Instruction.SoftmaxBackward op -> Softmax.backward(op, workers);
      case Instruction.RmsNorm op -> RmsNorm.forward(op, workers);
      case Instruction.RmsNormBackward op -> new RmsNormBackward(op, workers);
      case Instruction.Rope op -> new Rope(op, workers);
      case Instruction.SwiGlu op -> SwiGlu.forward(op, workers);
      case Instruction.SwiGluBackward op -> SwiGlu.backward(op, workers);
      case Instruction.Attention op -> attention(op);
      case Instruction.AttentionBackward op ->
          op.q().dim(3) <= Attention.MOST ? new AttentionBackward(op, workers) : null;
      case Instruction.CrossEntropy op -> CrossEntropy.forward(op, workers);
      case Instruction.CrossEntropyBackward op -> CrossEntropy.backward(op, workers);
      case Instruction.SamplePlan op -> Plans.sample(op, workers);
      case Instruction.PlanBits op -> Plans.bits(op, workers);
      case Instruction.BinaryMapperBackward op ->
          op.full() ? new BinaryMapper(op, workers) : SampledBinaryMapper.of(op, workers);
      case Instruction.BernoulliKl op -> BernoulliKl.forward(op, workers);
      case Instruction.BernoulliKlBackward op -> BernoulliKl.backward(op, workers);
      case Instruction.AdamW op -> new AdamW(op, workers);
      case Instruction.HostCall op -> hostCall(op);
    };
  }

  private @Nullable Kernel attention(Instruction.Attention op) {
    if (DecodingAttention.suits(op)) {
      return new DecodingAttention(op, workers);
    }
    return op.q().dim(3) <= Attention.MOST ? new Attention(op, workers) : null;
  }

  /** Whether there are no integers among the operands. */
  private static boolean isFloating(Instruction instruction) {
    return instruction.reads().stream().allMatch(buffer -> buffer.dtype().isFloating())
        && instruction.writes().stream().allMatch(buffer -> buffer.dtype().isFloating());
  }

  /**
   * Closing twice does nothing.
   *
   * @throws IllegalStateException if a kernel is running; nothing is closed then
   */
  @Override
  public void close() {
    workers.close();
    gemm.close();
    plain.close();
    super.close();
  }
}

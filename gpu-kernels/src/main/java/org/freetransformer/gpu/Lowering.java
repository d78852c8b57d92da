package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongToIntFunction;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Instruction.AdamW;
import org.freetransformer.tensor.device.Instruction.Affine;
import org.freetransformer.tensor.device.Instruction.Attention;
import org.freetransformer.tensor.device.Instruction.AttentionBackward;
import org.freetransformer.tensor.device.Instruction.BernoulliKl;
import org.freetransformer.tensor.device.Instruction.BernoulliKlBackward;
import org.freetransformer.tensor.device.Instruction.Binary;
import org.freetransformer.tensor.device.Instruction.BinaryMapperBackward;
import org.freetransformer.tensor.device.Instruction.Copy;
import org.freetransformer.tensor.device.Instruction.CrossEntropy;
import org.freetransformer.tensor.device.Instruction.CrossEntropyBackward;
import org.freetransformer.tensor.device.Instruction.Dropout;
import org.freetransformer.tensor.device.Instruction.Fill;
import org.freetransformer.tensor.device.Instruction.Gather;
import org.freetransformer.tensor.device.Instruction.HostCall;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Instruction.PlanBits;
import org.freetransformer.tensor.device.Instruction.QuantizedLinear;
import org.freetransformer.tensor.device.Instruction.Random;
import org.freetransformer.tensor.device.Instruction.Reduce;
import org.freetransformer.tensor.device.Instruction.RmsNorm;
import org.freetransformer.tensor.device.Instruction.RmsNormBackward;
import org.freetransformer.tensor.device.Instruction.Rope;
import org.freetransformer.tensor.device.Instruction.SamplePlan;
import org.freetransformer.tensor.device.Instruction.ScatterAdd;
import org.freetransformer.tensor.device.Instruction.ScatterRows;
import org.freetransformer.tensor.device.Instruction.Select;
import org.freetransformer.tensor.device.Instruction.Softmax;
import org.freetransformer.tensor.device.Instruction.SoftmaxBackward;
import org.freetransformer.tensor.device.Instruction.SwiGlu;
import org.freetransformer.tensor.device.Instruction.SwiGluBackward;
import org.freetransformer.tensor.device.Instruction.Unary;
import org.freetransformer.tensor.device.Instruction.UnaryBackward;

/**
 * Turns instructions into kernel launches: one each, or one for each gradient that is wanted.
 * Products read numbers of 16 bits as they are, and so do casts; for every other instruction, and
 * for a product's result, there are f32 ones at the heap's end, cast before and back behind it. On
 * tensor cores and by cuBLAS products write such results, too.
 *
 * @param places the word at which a buffer's storage begins in its heap
 * @param constants the word at which a constant stands among the floats
 * @param scratch gives the first of so many words among the floats, for one instruction
 * @param halvesScratch the same among the numbers of 16 bits
 * @param tensorCores which products go to tensor cores
 * @param cuBlas which of the others go to cuBLAS
 * @param panelWords numbers of a panel for cuBLAS
 * @param panels makes sure of panels
 */
record Lowering(
    ToIntFunction<Buffer> places,
    ToIntFunction<Float> constants,
    LongToIntFunction scratch,
    LongToIntFunction halvesScratch,
    TensorCores tensorCores,
    CuBlas cuBlas,
    int panelWords,
    Runnable panels) {
  /**
   * The steps of an instruction, in order; none if it has nothing to compute.
   *
   * @throws UnsupportedOperationException if a kernel for its types or sizes is missing
   */
  List<? extends Step> steps(Instruction instruction) {
    if (instruction instanceof MatMul op && tensorCores.takes(op)) {
      int most = tensorCores.mostTiles();
      return new TensorCoreLowering(places, constants, scratch, halvesScratch, most).matMul(op);
    }
    if (instruction instanceof MatMul op && cuBlas.takes(op, panelWords)) {
      panels.run();
      return new CuBlasLowering(places, constants, panelWords).matMul(op);
    }
    List<Buffer> read =
        instruction.reads().stream().filter(isCast(instruction)).distinct().toList();
    List<Buffer> written =
        instruction.writes().stream().filter(isCast(instruction)).distinct().toList();
    Map<Buffer, Long> offsets = new LinkedHashMap<>();
    long words = 0;
    for (Buffer buffer : Stream.concat(read.stream(), written.stream()).distinct().toList()) {
      offsets.put(buffer, words);
      words += buffer.layout().end();
    }
    int start = words == 0 ? 0 : scratch.applyAsInt(words);
    ToIntFunction<Buffer> staged =
        buffer -> {
          Long offset = offsets.get(buffer);
          return offset == null ? places.applyAsInt(buffer) : start + Math.toIntExact(offset);
        };
    CastLowering casts = new CastLowering(places, constants);
    List<Step> steps = new ArrayList<>();
    read.forEach(buffer -> steps.add(casts.toFloats(buffer, staged.applyAsInt(buffer))));
    long ofCasts = words;
    LongToIntFunction before = // At the end are these; a multiple of 4 leaves them where they are.
        more -> scratch.applyAsInt(ofCasts + Math.ceilDiv(more, 4L) * 4);
    steps.addAll(direct(instruction, staged, before));
    written.forEach(buffer -> steps.add(casts.toHalves(buffer, staged.applyAsInt(buffer))));
    return steps.stream().filter(step -> !isEmpty(step)).toList();
  }

  private static boolean isEmpty(Step step) {
    return step instanceof Launch launch && launch.groups() == 0;
  }

  /** Whether a buffer must be f32 while an instruction runs, and is not. */
  private static Predicate<Buffer> isCast(Instruction instruction) {
    return switch (instruction) {
      case MatMul op -> buffer -> FamilyLowering.isHalf(buffer) && buffer.equals(op.out().buffer());
      case Copy op when op.in().dtype().isFloating() && op.out().buffer().dtype().isFloating() ->
          _ -> false;
      case BinaryMapperBackward op when op.full() ->
          buffer ->
              FamilyLowering.isHalf(buffer)
                  && !buffer.equals(op.dr())
                  && !buffer.equals(op.table());
      default -> FamilyLowering::isHalf;
    };
  }

  /**
   * The steps of an instruction.
   *
   * @param operands where they lie, as f32
   * @param free gives the first of so many words that none of them takes
   */
  private List<? extends Step> direct(
      Instruction instruction, ToIntFunction<Buffer> operands, LongToIntFunction free) {
    ElementwiseLowering elementwise = new ElementwiseLowering(operands, constants);
    MatrixLowering matrices = new MatrixLowering(operands, constants, free);
    BlockLowering blocks = new BlockLowering(operands, constants);
    AttentionLowering attention = new AttentionLowering(operands, constants, free);
    PlanLowering plans = new PlanLowering(operands, constants);
    return switch (instruction) {
      case Fill op -> List.of(elementwise.fill(op));
      case Copy op -> List.of(elementwise.copy(op));
      case Random op -> List.of(elementwise.random(op));
      case Affine op -> List.of(elementwise.affine(op));
      case Unary op -> List.of(elementwise.unary(op));
      case UnaryBackward op -> List.of(elementwise.unaryBackward(op));
      case Binary op -> List.of(elementwise.binary(op));
      case Select op -> List.of(elementwise.select(op));
      case Dropout op -> List.of(elementwise.dropout(op));
      case Reduce op -> matrices.reduce(op);
      case MatMul op -> List.of(matrices.matMul(op));
      case Gather op -> List.of(matrices.gather(op));
      case ScatterAdd op -> List.of(matrices.scatterAdd(op));
      case ScatterRows op -> List.of(matrices.scatterRows(op));
      case Softmax op -> List.of(blocks.softmax(op));
      case SoftmaxBackward op -> List.of(blocks.softmaxBackward(op));
      case RmsNorm op -> List.of(blocks.rmsNorm(op));
      case RmsNormBackward op -> blocks.rmsNormBackward(op);
      case Rope op -> List.of(blocks.rope(op));
      case SwiGlu op -> List.of(blocks.swiGlu(op));
      case SwiGluBackward op -> List.of(blocks.swiGluBackward(op));
      case Attention op -> List.of(attention.attention(op));
      case AttentionBackward op -> attention.attentionBackward(op);
      case CrossEntropy op -> List.of(blocks.crossEntropy(op));
      case CrossEntropyBackward op -> List.of(blocks.crossEntropyBackward(op));
      case SamplePlan op -> List.of(plans.samplePlan(op));
      case PlanBits op -> List.of(plans.planBits(op));
      case BinaryMapperBackward op when op.full() ->
          new MapperLowering(operands, constants, free).ofAllPlans(op, this::product);
      case BinaryMapperBackward op -> List.of(plans.ofDrawnPlans(op));
      case BernoulliKl op -> List.of(plans.bernoulliKl(op));
      case BernoulliKlBackward op -> List.of(plans.bernoulliKlBackward(op));
      case AdamW op -> List.of(elementwise.adamW(op));
      // Weights of 8 bits are for generation on a CPU; the host's calls run between task graphs.
      case QuantizedLinear _, HostCall _ ->
          throw new UnsupportedOperationException(
              "the GPU device has no kernel for " + instruction.getClass().getSimpleName());
    };
  }

  /** A product within an instruction, by the way that it would take by itself. */
  private List<? extends Step> product(
      MatMul op, ToIntFunction<Buffer> operands, LongToIntFunction free) {
    return new Lowering(
            operands, constants, free, halvesScratch, tensorCores, cuBlas, panelWords, panels)
        .steps(op);
  }
}

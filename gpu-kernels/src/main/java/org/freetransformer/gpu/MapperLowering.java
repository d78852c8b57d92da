package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongToIntFunction;
import java.util.function.ToIntFunction;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.BinaryMapperBackward;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.memory.OffHeapStorage;

/**
 * Lowers the binary mapper's gradient over all plans: {@code dr × tableᵀ} into scratch memory, as
 * any product, and then a kernel that sums it up, for so many rows at a time as there is room for.
 *
 * @param places the word at which a buffer's storage begins in its heap
 * @param constants the word at which a constant stands among the floats
 * @param scratch gives the first of so many words among the floats
 */
record MapperLowering(
    ToIntFunction<Buffer> places, ToIntFunction<Float> constants, LongToIntFunction scratch) {
  /** Numbers of {@code dr × tableᵀ} at a time, unless a row has more: 16 MiB. */
  static final int MOST_PRODUCTS = 4 << 20;

  /** Lowers a product. */
  @FunctionalInterface
  interface Products {
    /**
     * The steps of a product.
     *
     * @param places as above, also of the result
     * @param scratch as above, none of it the result
     */
    List<? extends Step> steps(MatMul op, ToIntFunction<Buffer> places, LongToIntFunction scratch);
  }

  /** The steps of an instruction for all plans. */
  List<Step> ofAllPlans(BinaryMapperBackward op, Products products) {
    int rows = op.dr().dim(0);
    int plans = op.table().dim(0);
    int most = Math.clamp(MOST_PRODUCTS / plans, 1, Math.max(1, rows));
    long words = Math.ceilDiv((long) most * plans, 4L) * 4;
    Layout layout = Layout.contiguous(Shape.of(most, plans));
    Buffer result = new Buffer(OffHeapStorage.reserve(words * Float.BYTES), DType.F32, layout);
    int place = rows == 0 ? 0 : scratch.applyAsInt(words);
    ToIntFunction<Buffer> withResult =
        buffer -> buffer.storage().equals(result.storage()) ? place : places.applyAsInt(buffer);
    LongToIntFunction before = more -> scratch.applyAsInt(words + more);
    PlanLowering sums = new PlanLowering(places, constants);
    Buffer table = op.table().with(op.table().layout().transpose(0, 1));
    List<Step> steps = new ArrayList<>();
    for (int first = 0; first < rows; first += most) {
      int count = Math.min(most, rows - first);
      Buffer dr = op.dr().with(op.dr().layout().narrow(0, first, count));
      Output out = Output.to(result.with(layout.narrow(0, 0, count)));
      steps.addAll(products.steps(new MatMul(dr, table, 1, out), withResult, before));
      steps.add(sums.ofAllPlans(op, first, count, place));
    }
    return steps;
  }
}

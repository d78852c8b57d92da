package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.jspecify.annotations.Nullable;

/** Matrix products of any batch, as runs of {@link Gemm} over batches of one stride. */
final class MatMul {
  private MatMul() {}

  /** A kernel, or null where the result has neither rows nor columns without gaps. */
  static @Nullable Kernel of(Instruction.MatMul instruction, Gemm gemm) {
    Buffer out = instruction.out().buffer();
    if (out.size() == 0) {
      return () -> {};
    }
    boolean rows = out.dim(-1) == 1 || out.layout().stride(-1) == 1;
    boolean columns = out.dim(-2) == 1 || out.layout().stride(-2) == 1;
    if (instruction.a().dim(-1) == 0 || !(rows || columns)) {
      return null;
    }
    Loops batch =
        Loops.over(
            batchOf(instruction.a().layout()),
            batchOf(instruction.b().layout()),
            batchOf(out.layout()));
    List<Kernel> products = new ArrayList<>();
    for (long item = 0; item < batch.size(); item += batch.inner()) {
      products.add(product(instruction, gemm, batch, item));
    }
    if (products.size() == 1) {
      return products.getFirst();
    }
    return Kernel.inTurn(products);
  }

  /** The layout of the matrices' first elements. */
  private static Layout batchOf(Layout layout) {
    return layout.narrow(-1, 0, 1).narrow(-2, 0, 1);
  }

  private static Kernel product(Instruction.MatMul instruction, Gemm gemm, Loops batch, long item) {
    Buffer a = instruction.a();
    Buffer b = instruction.b();
    Buffer out = instruction.out().buffer();
    return gemm.prepare(
        new Product(
            new GemmShape(batch.inner(), out.dim(-2), out.dim(-1), a.dim(-1)),
            matrix(a, batch, 0, item),
            matrix(b, batch, 1, item),
            matrix(out, batch, 2, item),
            (float) instruction.alpha(),
            instruction.out().accumulate()));
  }

  private static StridedMatrix matrix(Buffer buffer, Loops batch, int operand, long item) {
    MemorySegment memory = Memory.of(buffer);
    Layout layout = buffer.layout();
    return new StridedMatrix(
        memory,
        buffer.dtype(),
        batch.position(operand, item),
        batch.innerStride(operand),
        layout.stride(-2),
        layout.stride(-1));
  }
}

package org.freetransformer.tensor.ops;

import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/** Rows of a table, by index. */
public final class EmbeddingOp {
  private EmbeddingOp() {}

  /**
   * Row {@code indices[..]} of table [R, D] for every index: [.., D]. An index outside 0..R−1 gives
   * zeros. The table's gradient is added up row by row in the order of the indices.
   *
   * @throws IllegalArgumentException if the table is not a matrix, or indices are not I32
   */
  public static Tensor gather(Tensor table, Tensor indices) {
    Check.integers("gather", indices);
    Check.that(table.shape().rank() == 2, "gather", "the table must be [R, D]", table);
    Check.engine("gather", table, indices);
    Engine engine = table.engine();
    int[] dims = Arrays.copyOf(indices.shape().toArray(), indices.shape().rank() + 1);
    dims[dims.length - 1] = table.dim(1);
    Buffer list = Rows.list("gather", indices.contiguous().buffer());
    Tensor y = engine.empty(table.dtype(), Shape.of(dims));
    Tensor plainTable = table.contiguous();
    engine.emit(
        new Instruction.Gather(
            plainTable.buffer(), list, Output.to(Rows.of("gather", y.buffer()))));
    return Node.attach(
        y,
        List.of(plainTable),
        (dy, gradients) ->
            engine.emit(
                new Instruction.ScatterAdd(
                    Rows.of("gather", dy.buffer()), list, gradients.accumulator(plainTable))));
  }

  /**
   * Sets row {@code indices[n]} of {@code table} [R, D] to row n of {@code source} [N, D], in place
   * and outside the graph: how a KV cache is written. An index outside 0..R−1 is passed over.
   *
   * @throws IllegalArgumentException if shapes or types do not fit, or the table has gaps
   */
  public static void scatterRows(Tensor source, Tensor indices, Tensor table) {
    Check.together("scatterRows", source, table);
    Check.integers("scatterRows", indices);
    Check.engine("scatterRows", source, indices);
    boolean fits =
        source.shape().rank() == 2
            && table.shape().rank() == 2
            && source.dim(1) == table.dim(1)
            && source.dim(0) == indices.shape().size()
            && table.buffer().isContiguous();
    Check.that(
        fits,
        "scatterRows",
        "shapes must be [N,D], [N] and [R,D], the last without gaps",
        source,
        indices,
        table);
    source
        .engine()
        .emit(
            new Instruction.ScatterRows(
                source.contiguous().buffer(), indices.contiguous().buffer(), table.buffer()));
  }
}

package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** Operations on rows say which one they are and how many rows they take. */
class RowsTest extends GradientTestBase {
  @Test
  void moreRowsThanAnIntCountsAreRefused() {
    Tensor x = engine.placeholder(DType.F32, Shape.of(1 << 16, 1 << 16, 1));
    Tensor list = engine.placeholder(DType.I32, Shape.of(1 << 16, 1 << 16));
    Tensor table = engine.ones(2, 1);
    Map<String, Supplier<Tensor>> operations =
        Map.of(
            "linear", () -> MatMulOp.linear(x, table),
            "binary mapper", () -> BinaryMapperOp.sample(x, true),
            "bernoulliKl", () -> KlOp.bernoulliKl(x),
            "crossEntropy", () -> CrossEntropyOp.crossEntropy(x, list, -100),
            "gather", () -> EmbeddingOp.gather(table, list));
    operations.forEach((name, operation) ->
        assertThatIllegalArgumentException()
            // Recorded, so that results take no memory.
            .isThrownBy(() -> Program.record(engine, () -> List.of(operation.get())))
            .withMessage(
                "%s: shape [65536,65536] has 4294967296 elements, of which 2147483647 are"
                    + " possible",
                name));
  }
}

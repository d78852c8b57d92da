package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

class EmbeddingGradientTest extends GradientTestBase {
  @Test
  @GradientOf("EmbeddingOp.gather(Tensor,Tensor)")
  void gather() {
    Tensor table = leaf(5, 3);
    Tensor tokens = indices(new int[] {4, 0, 4, 2, 4, 0}, 2, 3);
    check(() -> EmbeddingOp.gather(table, tokens), table);
    check(() -> EmbeddingOp.gather(table, indices(new int[] {3})), table);
    check(() -> EmbeddingOp.gather(table, indices(new int[0], 0)), table);
    // Tied: the same table is the embedding and the output layer.
    check(() -> MatMulOp.linear(EmbeddingOp.gather(table, tokens), table), table);
    check(() -> EmbeddingOp.gather(table, tokens).mul(EmbeddingOp.gather(table, tokens)), table);
  }

  @Test
  void stridedTablesAndIndices() {
    Tensor table = permuted(Shape.of(4, 3));
    Tensor tokens = indices(new int[] {0, 3, 1, 3, 2, 3}, 3, 2);
    check(() -> EmbeddingOp.gather(table, tokens.narrow(1, 0, 1)), table);
    check(() -> EmbeddingOp.gather(table.transpose(0, 1), tokens.narrow(0, 0, 2)), table);
  }

  @Test
  void anIndexOutsideTheTableGivesZerosAndNoGradient() {
    Tensor table = leaf(2, 2);
    Tensor rows = EmbeddingOp.gather(table, indices(new int[] {-1, 1, 2}, 3));
    assertThat(rows.narrow(0, 0, 1).toFloats()).containsExactly(0, 0);
    assertThat(rows.narrow(0, 2, 1).toFloats()).containsExactly(0, 0);
    rows.sum().backward();
    assertThat(gradient(table)).containsExactly(0, 0, 1, 1);
  }

  @Test
  void rowsAreScatteredInPlace() {
    Tensor table = engine.zeros(4, 2);
    Tensor source = engine.tensor(new float[] {1, 2, 3, 4}, 2, 2);
    EmbeddingOp.scatterRows(source.transpose(0, 1), indices(new int[] {3, 1}, 2), table);
    assertThat(table.toFloats()).containsExactly(0, 0, 2, 4, 0, 0, 1, 3);
    assertThatThrownBy(() ->
            EmbeddingOp.scatterRows(
                source, indices(new int[] {0, 1}, 2), engine.zeros(2, 4).transpose(0, 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("without gaps");
  }
}

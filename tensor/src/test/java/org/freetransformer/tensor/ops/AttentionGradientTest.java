package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AttentionGradientTest extends GradientTestBase {
  private static final int BATCH = 2;
  private static final int SIZE = 3;

  private void checkAttention(
      int queries, int keys, int heads, int keyHeads, boolean causal, double dropout) {
    checkAttention(queries, keys, heads, keyHeads, causal, null, dropout);
  }

  private void checkAttention(
      int queries,
      int keys,
      int heads,
      int keyHeads,
      boolean causal,
      @Nullable Tensor keyLengths,
      double dropout) {
    Tensor q = leaf(BATCH, queries, heads, SIZE);
    Tensor k = leaf(BATCH, keys, keyHeads, SIZE);
    Tensor v = leaf(BATCH, keys, keyHeads, SIZE);
    check(() -> AttentionOp.attention(q, k, v, causal, keyLengths, dropout), q, k, v);
  }

  @Test
  @GradientOf("AttentionOp.attention(Tensor,Tensor,Tensor,boolean,Tensor,double)")
  void asManyKeysAsQueries() {
    for (boolean causal : new boolean[] {false, true}) {
      checkAttention(1, 1, 1, 1, causal, 0);
      checkAttention(5, 5, 2, 2, causal, 0);
      checkAttention(5, 5, 4, 2, causal, 0);
      checkAttention(3, 3, 3, 1, causal, 0);
    }
  }

  @Test
  void moreOrFewerKeysThanQueries() {
    for (boolean causal : new boolean[] {false, true}) {
      checkAttention(1, 7, 2, 1, causal, 0);
      checkAttention(3, 5, 2, 1, causal, 0);
      checkAttention(5, 2, 2, 2, causal, 0); // Causal: the first three queries see no key.
      checkAttention(0, 3, 1, 1, causal, 0);
      checkAttention(2, 0, 1, 1, causal, 0);
    }
  }

  @Test
  void keysThatAreNotThere() {
    Tensor lengths = indices(new int[] {4, 2}, BATCH);
    Tensor none = indices(new int[] {0, 5}, BATCH);
    for (boolean causal : new boolean[] {false, true}) {
      checkAttention(4, 5, 2, 1, causal, lengths, 0);
      checkAttention(2, 5, 2, 2, causal, none, 0);
      checkAttention(5, 5, 4, 2, causal, lengths, 0.3);
    }
  }

  @Test
  void dropoutOnTheWeights() {
    checkAttention(4, 4, 2, 1, true, 0.4);
    checkAttention(3, 5, 2, 2, false, 0.25);
  }

  @Test
  void oneTensorInSeveralRoles() {
    Tensor x = leaf(BATCH, 4, 2, SIZE);
    Tensor y = leaf(BATCH, 3, 2, SIZE);
    for (boolean causal : new boolean[] {false, true}) {
      check(() -> AttentionOp.attention(x, x, x, causal, null, 0), x);
      check(() -> AttentionOp.attention(x, y, y, causal, null, 0), x, y);
      check(() -> AttentionOp.attention(x, x, x.square(), causal, null, 0), x);
      check(() -> AttentionOp.attention(x, x.square(), x, causal, null, 0), x);
      check(() -> AttentionOp.attention(x, y, y, causal, null, 0).add(x), x, y);
    }
  }

  /**
   * A device may compute the outputs of an instruction in any order, so none may lie on another.
   */
  @Test
  void gradientsOfOneInstructionHaveAPlaceEach() {
    Tensor x = leaf(BATCH, 4, 2, SIZE);
    Tensor row = leaf(5);
    try (Program program =
        Program.record(
            engine,
            () -> {
              Tensor attended = AttentionOp.attention(x, x, x, true, null, 0);
              Tensor others = SwiGluOp.swiGlu(row, row).add(RmsNormOp.rmsNorm(row, row, 1e-6));
              attended.sum().add(others.sum()).backward();
              return List.of();
            })) {
      for (Instruction instruction : program.instructions()) {
        assertThat(instruction.writes()).extracting(Buffer::storage).doesNotHaveDuplicates();
      }
    }
  }

  @Test
  void onlySomeGradientsAreWanted() {
    Tensor leaf = leaf(BATCH, 4, 2, SIZE);
    Tensor a = constant(leaf.shape());
    Tensor b = constant(leaf.shape());
    check(() -> AttentionOp.attention(leaf, a, b, true, null, 0), leaf);
    check(() -> AttentionOp.attention(a, leaf, b, true, null, 0), leaf);
    check(() -> AttentionOp.attention(a, b, leaf, true, null, 0), leaf);
  }

  @Test
  void stridedHeads() {
    Tensor joint = leaf(BATCH, 4, (2 + 1 + 1) * SIZE);
    check(
        () -> {
          Tensor q = joint.narrow(2, 0, 2 * SIZE).reshape(BATCH, 4, 2, SIZE);
          Tensor k = joint.narrow(2, 2 * SIZE, SIZE).reshape(BATCH, 4, 1, SIZE);
          Tensor v = joint.narrow(2, 3 * SIZE, SIZE).reshape(BATCH, 4, 1, SIZE);
          return AttentionOp.attention(q, k, v, true, null, 0);
        },
        joint);
    Tensor headsFirst = leaf(BATCH, 2, 4, SIZE);
    Tensor reversed = permuted(Shape.of(BATCH, 4, 2, SIZE));
    check(
        () -> AttentionOp.attention(headsFirst.transpose(1, 2), reversed, reversed, false, null, 0),
        headsFirst,
        reversed);
  }

  @Test
  void oneQueryAfterTheOtherSeesWhatTheyAllDo() {
    Tensor q = leaf(1, 4, 2, SIZE);
    Tensor k = leaf(1, 4, 2, SIZE);
    Tensor v = leaf(1, 4, 2, SIZE);
    double[] all = AttentionOp.attention(q, k, v, true, null, 0).toDoubles();
    for (int t = 0; t < 4; t++) {
      Tensor lengths = indices(new int[] {t + 1}, 1);
      double[] one = AttentionOp.attention(q.narrow(1, t, 1), k, v, true, lengths, 0).toDoubles();
      for (int i = 0; i < one.length; i++) {
        assertThat(one[i]).isEqualTo(all[t * one.length + i]);
      }
    }
  }

  @Test
  void wrongOperandsAreRefused() {
    Tensor q = leaf(2, 4, 3, SIZE);
    Tensor k = leaf(2, 4, 2, SIZE);
    assertThatThrownBy(() -> AttentionOp.attention(q, k, k, true, null, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Hq a multiple of Hkv");
    assertThatThrownBy(() -> AttentionOp.attention(k, k, k, true, indices(new int[] {1}, 1), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("key lengths");
    assertThatThrownBy(() -> AttentionOp.attention(k, k, k, true, null, -0.5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dropout rate -0.5");
  }
}

package org.freetransformer.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class LlamaBlockTest extends LayerTestBase {
  private static final int WIDTH = 12;
  private static final int LENGTH = 5;
  private static final double THETA = 100;
  private static final double EPSILON = 1e-6;

  private static LlamaBlock.Config config(int keyValueHeads, boolean normalise, double dropout) {
    return new LlamaBlock.Config(
        new Attention.Config(WIDTH, 2, keyValueHeads, dropout, dropout), 7, EPSILON, normalise);
  }

  private LlamaBlock block(LlamaBlock.Config config, boolean positions) {
    Rope rope = positions ? new Rope(engine, 16, config.attention().headSize(), THETA) : null;
    LlamaBlock block = new LlamaBlock(engine, config, rope);
    scramble(block);
    return block;
  }

  private static double[][] rows(Tensor x, int batchRow) {
    double[] all = x.toDoubles();
    double[][] rows = new double[LENGTH][];
    Arrays.setAll(
        rows,
        t ->
            Arrays.copyOfRange(
                all, (batchRow * LENGTH + t) * WIDTH, (batchRow * LENGTH + t + 1) * WIDTH));
    return rows;
  }

  private static void requireSame(Tensor y, int batchRow, double[][] expected) {
    double[][] found = rows(y, batchRow);
    for (int t = 0; t < LENGTH; t++) {
      assertThat(distance(found[t], expected[t])).isLessThan(1e-5);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2, true, true, true",
    "1, true, true, true",
    "1, false, true, true",
    "2, true, false, true",
    "1, true, true, false",
    "2, false, false, false"
  })
  void isTheBlockOfThePaperWithSeparateKeysAndValues(
      int keyValueHeads, boolean normalise, boolean causal, boolean positions) {
    LlamaBlock.Config config = config(keyValueHeads, normalise, 0);
    LlamaBlock block = block(config, positions);
    PlainBlock plain = new PlainBlock(block, config, positions ? THETA : 0);
    Tensor x = normal(2, LENGTH, WIDTH);
    Tensor kv = normal(2, LENGTH, WIDTH);
    Sequence sequence = new Sequence(positions(LENGTH), causal, null, null, null);
    Tensor separate = block.forward(x, kv, sequence, null);
    for (int b = 0; b < 2; b++) {
      requireSame(separate, b, plain.forward(rows(x, b), rows(kv, b), causal));
    }
    if (normalise) {
      Tensor own = block.forward(x, sequence, null);
      for (int b = 0; b < 2; b++) {
        requireSame(own, b, plain.forward(rows(x, b), rows(x, b), causal));
      }
    }
  }

  @Test
  void alwaysNormalisesAnInputThatIsBothQueryAndKeyValue() {
    LlamaBlock.Config raw = config(2, false, 0);
    LlamaBlock block = block(raw, true);
    PlainBlock plain = new PlainBlock(block, config(2, true, 0), THETA);
    Tensor x = normal(1, LENGTH, WIDTH);
    Tensor y = block.forward(x, Sequence.whole(positions(LENGTH)), null);
    requireSame(y, 0, plain.forward(rows(x, 0), rows(x, 0), true));
  }

  @Test
  void padsOfABatchOfUnequalRowsAreNotSeenWhereAttentionIsNotCausal() {
    LlamaBlock block = block(config(1, true, 0), true);
    Tensor x = normal(2, LENGTH, WIDTH);
    Sequence ragged =
        new Sequence(positions(LENGTH), false, engine.tensor(new int[] {3, 5}, 2), null, null);
    double[] padded = block.forward(x, ragged, null).narrow(0, 0, 1).narrow(1, 0, 3).toDoubles();
    Tensor alone = x.narrow(0, 0, 1).narrow(1, 0, 3).contiguous();
    Sequence short3 = new Sequence(positions(3), false, null, null, null);
    assertThat(distance(padded, block.forward(alone, short3, null).toDoubles())).isLessThan(1e-6);
  }

  @Test
  void dropsOutInTrainingOnly() {
    LlamaBlock block = block(config(2, true, 0.5), true);
    LlamaBlock.Config none = config(2, true, 0);
    PlainBlock plain = new PlainBlock(block, none, THETA);
    Tensor x = normal(1, LENGTH, WIDTH);
    Sequence sequence = Sequence.whole(positions(LENGTH));
    double[][] expected = plain.forward(rows(x, 0), rows(x, 0), true);
    requireSame(block.forward(x, sequence, null), 0, expected);

    block.train(true);
    double[] first = block.forward(x, sequence, null).toDoubles();
    double[] second = block.forward(x, sequence, null).toDoubles();
    assertThat(distance(first, second)).as("two draws").isGreaterThan(0.01);
    assertThat(distance(first, Arrays.stream(expected).flatMapToDouble(Arrays::stream).toArray()))
        .isGreaterThan(0.01);

    block.train(false);
    requireSame(block.forward(x, sequence, null), 0, expected);
  }

  @Test
  void namesItsPartsAsTheSeedDoes() {
    assertThat(block(config(1, true, 0), true).parameters().keySet())
        .containsExactly(
            "attn_norm.weight",
            "wq.weight",
            "wk.weight",
            "wv.weight",
            "wo.weight",
            "ffn_norm.weight",
            "ffn.w1.weight",
            "ffn.w2.weight",
            "ffn.w3.weight");
  }

  @Test
  void cacheAndSlotsBelongTogether() {
    LlamaBlock block = block(config(1, true, 0), true);
    Tensor x = normal(1, 2, WIDTH);
    Tensor slots = engine.tensor(new int[] {0, 1}, 2);
    Sequence withSlots = new Sequence(positions(2), true, null, slots, null);
    try (Engine.Mode _ = engine.noGrad();
        KeyValueCache cache = new KeyValueCache(engine, 1, 2, 1, 6)) {
      assertThatThrownBy(() -> block.forward(x, withSlots, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("slots without a cache");
      assertThatThrownBy(() -> block.forward(x, Sequence.whole(positions(2)), cache))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("cache without slots");
    }
    assertThatThrownBy(() -> new Sequence(positions(2), true, null, null, slots))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cachedLengths without slots");
  }
}

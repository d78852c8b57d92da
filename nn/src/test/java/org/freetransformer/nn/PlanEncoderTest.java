package org.freetransformer.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

final class PlanEncoderTest extends LayerTestBase {
  private static final int WIDTH = 12;
  private static final int BITS = 3;
  private static final int LENGTH = 6;

  private PlanEncoder encoder(boolean positions) {
    LlamaBlock.Config config =
        new LlamaBlock.Config(new Attention.Config(WIDTH, 2, 1, 0, 0), 7, 1e-6, true);
    PlanEncoder encoder =
        new PlanEncoder(engine, config, positions ? new Rope(engine, 16, 6, 10) : null, BITS);
    scramble(encoder);
    return encoder;
  }

  private double[] logits(PlanEncoder encoder, Tensor x) {
    return encoder.forward(x, Sequence.whole(positions(x.dim(1)))).toDoubles();
  }

  private static double[] at(double[] logits, int position) {
    return Arrays.copyOfRange(logits, position * BITS, (position + 1) * BITS);
  }

  @Test
  void tellsPositionsApartByTheRotaryEmbeddingAlone() {
    Tensor x = normal(1, LENGTH, WIDTH);
    double[] with = logits(encoder(true), x);
    double[] without = logits(encoder(false), x);
    for (int t = 1; t < LENGTH; t++) {
      assertThat(distance(at(with, 0), at(with, t))).isGreaterThan(1e-3);
      assertThat(distance(at(without, 0), at(without, t))).isLessThan(1e-6);
    }
  }

  @Test
  void seesTheFutureWhateverTheSequenceSays() {
    PlanEncoder encoder = encoder(true);
    float[] values = normal(1, LENGTH, WIDTH).toFloats();
    double[] before = logits(encoder, engine.tensor(values, 1, LENGTH, WIDTH));
    values[values.length - 1] += 3;
    double[] after = logits(encoder, engine.tensor(values, 1, LENGTH, WIDTH));
    assertThat(distance(at(before, 0), at(after, 0))).isGreaterThan(1e-4);
  }

  @Test
  void contentEntersThroughAttentionOnlySoThatAlikeTokensGiveOnePlan() {
    Tensor same = normal(1, 1, WIDTH).broadcastTo(1, LENGTH, WIDTH).contiguous();
    double[] logits = logits(encoder(true), same);
    for (int t = 1; t < LENGTH; t++) {
      assertThat(distance(at(logits, 0), at(logits, t))).isLessThan(1e-5);
    }
  }

  @Test
  void namesItsPartsAsTheSeedDoes() {
    PlanEncoder encoder = encoder(true);
    assertThat(encoder.parameters().keySet())
        .startsWith("zeta", "transformer_block.attn_norm.weight", "transformer_block.wq.weight")
        .endsWith("norm.weight", "readout.weight")
        .hasSize(12);
    assertThat(parameter(encoder, "readout.weight").value().shape().toArray())
        .containsExactly(BITS, WIDTH);
  }
}

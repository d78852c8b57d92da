package org.freetransformer.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.CrossEntropyOp;
import org.freetransformer.tensor.ops.MatMulOp;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The output layer in pieces against the output layer at once, in f64. */
final class OutputLossTest extends LayerTestBase {
  private static final int VOCABULARY = 11;
  private static final int WIDTH = 3;

  /** What one way of computing a loss gave. */
  @SuppressWarnings("ArrayRecordComponent") // Looked at, never compared as a whole.
  private record Outcome(double loss, double reconstruction, double[] hidden, double[] weight) {}

  private Tensor values(int seed, int... dims) {
    Random numbers = new Random(seed);
    double[] values = numbers.doubles(Shape.of(dims).size()).map(u -> 4 * u - 2).toArray();
    return engine.tensor(values, dims);
  }

  private Tensor targets(int b, int t) {
    Random numbers = new Random(7);
    int[] targets = numbers.ints((long) b * t, -2, VOCABULARY).toArray();
    for (int i = 0; i < targets.length; i++) {
      targets[i] = targets[i] < 0 ? CrossEntropyOp.IGNORE_INDEX : targets[i];
    }
    return engine.tensor(targets, b, t);
  }

  private Tensor scalar(double value) {
    return engine.full(DType.F64, Shape.of(), value);
  }

  private VaeLoss loss(double scale) {
    Tensor one = scalar(1);
    return new VaeLoss(scalar(0.37), one, one, one, null, scale == 1 ? null : scalar(scale));
  }

  /** The hidden vectors depend on a leaf that the plan's logits depend on, too. */
  private Outcome outcome(int b, int t, int rows, double scale, boolean plan) {
    Tensor leaf = values(1, b, t, WIDTH).requireGrad();
    Tensor weight = values(2, VOCABULARY, WIDTH).requireGrad();
    Tensor hidden = leaf.square();
    OutputLoss output =
        new OutputLoss(x -> MatMulOp.linear(x, weight), hidden, targets(b, t), rows);
    VaeLoss.Terms terms =
        plan
            ? loss(scale).withPlan(output, leaf.mul(3), engine.full(DType.F64, Shape.of(b, t), 1))
            : loss(scale).withoutPlan(output);
    terms.backward();
    return new Outcome(
        terms.loss().toDoubles()[0],
        terms.reconstruction().toDoubles()[0],
        gradient(leaf).toDoubles(),
        gradient(weight).toDoubles());
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "1, 2, 1", "2, 3, 1", "2, 3, 4", "2, 3, 5", "5, 7, 8", "4, 8, 16"})
  void piecesGiveWhatTheWholeGives(int b, int t, int rows) {
    for (boolean plan : List.of(false, true)) {
      for (double scale : new double[] {1, 1024}) {
        Outcome whole = outcome(b, t, b * t, scale, plan);
        Outcome pieces = outcome(b, t, rows, scale, plan);
        assertThat(pieces.loss()).isCloseTo(whole.loss(), Offset.offset(1e-12));
        assertThat(pieces.reconstruction()).isCloseTo(whole.reconstruction(), Offset.offset(1e-12));
        double near = 1e-12 * scale;
        assertThat(distance(pieces.hidden(), whole.hidden())).isLessThan(near);
        assertThat(distance(pieces.weight(), whole.weight())).isLessThan(near);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aFrozenSideGetsNoGradient(boolean frozenWeight) {
    Tensor hidden = values(1, 2, 3, WIDTH);
    Tensor weight = values(2, VOCABULARY, WIDTH);
    Tensor trained = (frozenWeight ? hidden : weight).requireGrad();
    Tensor frozen = frozenWeight ? weight : hidden;
    double[][] gradients = new double[2][];
    for (int i = 0; i < 2; i++) {
      trained.setGrad(null);
      loss(1)
          .withoutPlan(
              new OutputLoss(
                  x -> MatMulOp.linear(x, weight), hidden, targets(2, 3), i == 0 ? 6 : 2))
          .backward();
      gradients[i] = gradient(trained).toDoubles();
    }
    assertThat(frozen.grad()).isNull();
    assertThat(distance(gradients[0], gradients[1])).isLessThan(1e-12);
  }

  @Test
  void withoutGradientsItIsTheLossOfEveryTarget() {
    Tensor hidden = values(1, 2, 3, WIDTH);
    Tensor weight = values(2, VOCABULARY, WIDTH);
    Tensor expected =
        CrossEntropyOp.crossEntropy(MatMulOp.linear(hidden, weight), targets(2, 3), -100);
    Tensor found =
        new OutputLoss(x -> MatMulOp.linear(x, weight), hidden, targets(2, 3), 4).losses();
    assertThat(found.shape()).isEqualTo(Shape.of(2, 3));
    assertThat(distance(found.toDoubles(), expected.toDoubles())).isLessThan(1e-12);
  }

  /** 64 positions: the whole takes 64 rows of logits, pieces take 8. */
  @Test
  void aProgramHoldsTheLogitsOfOnePiece() {
    int vocabulary = 1000;
    Tensor hidden = values(1, 4, 16, WIDTH).requireGrad();
    Tensor weight = values(2, vocabulary, WIDTH).requireGrad();
    Tensor targets = targets(4, 16);
    VaeLoss loss = loss(1);
    long[] bytes = new long[2];
    for (int i = 0; i < 2; i++) {
      int rows = i == 0 ? 64 : 8;
      try (Program program =
          Program.record(
              engine,
              () -> {
                VaeLoss.Terms terms =
                    loss.withoutPlan(
                        new OutputLoss(x -> MatMulOp.linear(x, weight), hidden, targets, rows));
                terms.backward();
                return List.of(terms.loss());
              })) {
        bytes[i] = program.arenaBytes();
      }
    }
    long row = (long) vocabulary * Double.BYTES;
    assertThat(bytes[0]).isBetween(64 * row, 72 * row);
    assertThat(bytes[1]).isBetween(8 * row, 16 * row);
  }

  @ParameterizedTest
  @CsvSource({"26, 161319", "8192, 512", "10000, 512", "50257, 166", "128256, 65", "1000000, 64"})
  void asManyPositionsAsSuitTheVocabulary(int vocabulary, int rows) {
    assertThat(OutputLoss.rows(vocabulary)).isEqualTo(rows);
  }
}

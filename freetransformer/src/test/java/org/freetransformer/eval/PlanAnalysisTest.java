package org.freetransformer.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.freetransformer.data.Batches;
import org.freetransformer.data.Split;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.PlanPosterior;
import org.freetransformer.model.SmallModels;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.ExampleRandom;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PlanAnalysisTest {
  private static final int T = 5;
  private static final int H = 3;

  private final Engine engine = Engine.on(Devices.scalar());
  private final FreeTransformer model =
      (FreeTransformer)
          SmallModels.scrambled(engine, SmallModels.config(ModelConfig.Kind.FREE).build());
  private final FewTexts texts = texts(7);

  @AfterEach
  void closeEverything() {
    model.close();
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  private static FewTexts texts(int count) {
    Random random = new Random(4);
    int[][] rows = new int[count][];
    Arrays.setAll(rows, i -> SmallModels.numbers(random, T + 1, 11));
    return FewTexts.of(11, rows);
  }

  private PlanAnalysis.Result analyse(int batch, long steered) {
    Batches batches = new Batches(texts, Split.VALIDATION, batch, 0);
    try (PlanAnalysis analysis = new PlanAnalysis(model, batch, T)) {
      return analysis.run(batches, Long.MAX_VALUE, steered, _ -> true);
    }
  }

  private int[] drawn(int text) {
    try (var _ = engine.scope("test");
        var _ = engine.noGrad()) {
      var sequence = SmallModels.whole(engine, T);
      Tensor x = model.firstHalf(engine.tensor(texts.tokens()[text], 1, T), sequence, null);
      return new PlanPosterior(model.planLogits(x, sequence))
          .draw(new ExampleRandom(0, "posterior plans 0"), text);
    }
  }

  private static double[] probabilities(float[] logits) {
    double[] p = new double[logits.length];
    double sum = 0;
    for (int v = 0; v < p.length; v++) {
      p[v] = Math.exp(logits[v]);
      sum += p[v];
    }
    for (int v = 0; v < p.length; v++) {
      p[v] /= sum;
    }
    return p;
  }

  /** By passes over each text alone, the bit flipped at all positions. */
  @Test
  void flippingABitMovesTheDistributionAsFarAsItSays() {
    PlanAnalysis.Result found = analyse(3, 100);
    for (int h = 0; h < H; h++) {
      int mask = 1 << h;
      double kl = 0;
      double variation = 0;
      for (int text = 0; text < 7; text++) {
        int[] plans = drawn(text);
        int[] flipped = Arrays.stream(plans).map(plan -> plan ^ mask).toArray();
        float[][] before = SmallModels.logits(model, texts.tokens()[text], plans);
        float[][] after = SmallModels.logits(model, texts.tokens()[text], flipped);
        for (int t = 0; t < T; t++) {
          double[] p = probabilities(before[t]);
          double[] q = probabilities(after[t]);
          for (int v = 0; v < p.length; v++) {
            kl += p[v] * Math.log(p[v] / q[v]) / (7 * T);
            variation += Math.abs(p[v] - q[v]) / 2 / (7 * T);
          }
        }
      }
      PlanSteering.Effect effect = found.effects().get(h);
      assertThat(effect.everywhere().kl()).isCloseTo(kl, within(1e-5)).isPositive();
      assertThat(effect.everywhere().totalVariation()).isCloseTo(variation, within(1e-5));
      assertThat(effect.once().kl()).isPositive();
      assertThat(effect.once().totalVariation()).isBetween(0.0, 1.0);
      assertThat(effect.klAfter()).isPositive();
    }
  }

  @Test
  void theBatchSizeChangesNothing() {
    PlanAnalysis.Result one = analyse(1, 4);
    PlanAnalysis.Result four = analyse(4, 4);
    assertThat(four.effects())
        .usingRecursiveComparison()
        .withEqualsForType((a, b) -> Math.abs(a - b) < 1e-6, Double.class)
        .isEqualTo(one.effects());
    assertThat(four.probe().accuracies())
        .usingRecursiveComparison()
        .withEqualsForType((a, b) -> Math.abs(a - b) < 1e-6, Double.class)
        .isEqualTo(one.probe().accuracies());
    assertThat(four.statistics().positions()).isEqualTo(7 * T);
  }

  /** Each position alone has as many probabilities as the vocabulary has tokens, several times. */
  @Test
  void aLargeVocabularyIsNeverHeldForAllPositions() {
    int vocabulary = 1 << 15;
    int size = 16;
    int length = 256;
    ModelConfig config =
        SmallModels.config(ModelConfig.Kind.FREE).vocabSize(vocabulary).maxSeqLen(length).build();
    long all = 4L * size * length * vocabulary;
    try (Engine own = Engine.on(Devices.scalar());
        FreeTransformer large = (FreeTransformer) LanguageModel.create(own, config);
        PlanAnalysis _ = new PlanAnalysis(large, size, length)) {
      assertThat(own.device().memory().peakBytes()).isLessThan(all / 2);
    }
  }

  @Test
  void piecesOfPositionsGiveWhatAllGiveTogether() {
    ModelConfig config =
        SmallModels.config(ModelConfig.Kind.FREE).vocabSize(1 << 17).maxSeqLen(40).build();
    Random random = new Random(4);
    int[][] rows = {SmallModels.numbers(random, 41, 99), SmallModels.numbers(random, 41, 99)};
    FewTexts two = FewTexts.of(1 << 17, rows);
    try (Engine own = Engine.on(Devices.cpu(1));
        FreeTransformer large = (FreeTransformer) SmallModels.scrambled(own, config)) {
      List<List<PlanSteering.Effect>> effects = new ArrayList<>();
      for (int size : new int[] {1, 2}) { // 40 and 80 positions; 64 at a time.
        Batches batches = new Batches(two, Split.VALIDATION, size, 0);
        try (PlanAnalysis analysis = new PlanAnalysis(large, size, 40)) {
          effects.add(analysis.run(batches, 2, 2, _ -> true).effects());
        }
      }
      assertThat(effects.getLast())
          .usingRecursiveComparison()
          .withEqualsForType((a, b) -> Math.abs(a - b) < 1e-4, Double.class)
          .isEqualTo(effects.getFirst());
    }
  }

  @Test
  void whereThePlanDoesNothingNothingMoves() {
    Tensor sampler = SmallModels.parameter(model, "latent_plan.post_sampler_fc.weight").value();
    sampler.set(new float[Math.toIntExact(sampler.shape().size())]);
    for (PlanSteering.Effect effect : analyse(4, 100).effects()) {
      assertThat(effect)
          .usingRecursiveComparison()
          .withEqualsForType((a, b) -> Math.abs(a - b) < 1e-6, Double.class)
          .isEqualTo(
              new PlanSteering.Effect(
                  new PlanSteering.Shift(0, 0), new PlanSteering.Shift(0, 0), 0));
    }
  }
}

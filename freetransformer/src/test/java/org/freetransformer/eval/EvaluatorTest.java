package org.freetransformer.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.freetransformer.config.ConfigException;
import org.freetransformer.data.Batch;
import org.freetransformer.data.Batches;
import org.freetransformer.data.Split;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.PlanPosterior;
import org.freetransformer.model.SmallModels;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Against the exact likelihood of texts so short that all their plans can be summed: T = 3 and H =
 * 2 make 64 of them.
 */
class EvaluatorTest {
  private static final int T = 3;
  private static final int H = 2;
  private static final int PLANS = 1 << (H * T);

  private final Random random = new Random(11);
  private final Engine engine = Engine.on(Devices.scalar());
  private final LanguageModel model = model(ModelConfig.Kind.FREE);
  private final FewTexts texts = texts(5, T);

  @AfterEach
  void closeEverything() {
    model.close();
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  private LanguageModel model(ModelConfig.Kind kind) {
    ModelConfig config = SmallModels.config(kind).numLayers(2).latentDim(H).build();
    LanguageModel made = SmallModels.scrambled(engine, config);
    if (kind == ModelConfig.Kind.FREE) {
      // Sure enough of its plans for bounds to differ, and plans that matter.
      enlarge(made, "encoder.readout.weight", 3);
      enlarge(made, "latent_plan.post_sampler_fc.weight", 4);
    }
    return made;
  }

  private static void enlarge(LanguageModel model, String name, float factor) {
    Tensor weights = SmallModels.parameter(model, name).value();
    float[] values = weights.toFloats();
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
    weights.set(values);
  }

  private FewTexts texts(int count, int length) {
    int[][] rows = new int[count][];
    Arrays.setAll(rows, i -> SmallModels.numbers(random, length + 1, 11));
    return FewTexts.of(11, rows);
  }

  private Evaluation evaluate(FewTexts held, int batch, int samples, long seed) {
    engine.random().seed(seed);
    try (Evaluator evaluator = Evaluator.sampling(model, batch, held.length(), samples)) {
      return evaluator.evaluate(batches(held, batch), Long.MAX_VALUE);
    }
  }

  private static Batches batches(FewTexts held, int size) {
    return new Batches(held, Split.VALIDATION, size, 0);
  }

  // ---- By brute force ----

  /** −log p(x | z), of the targets that count. */
  private double loss(FewTexts held, int text, int... plans) {
    float[][] logits = SmallModels.logits(model, held.tokens()[text], plans);
    double loss = 0;
    for (int t = 0; t < logits.length; t++) {
      int target = held.targets()[text][t];
      if (target != Batch.IGNORE) {
        double sum = 0;
        for (float logit : logits[t]) {
          sum += Math.exp(logit);
        }
        loss += Math.log(sum) - logits[t][target];
      }
    }
    return loss;
  }

  private static int[] plans(int all) {
    int[] plans = new int[T];
    Arrays.setAll(plans, t -> (all >> (H * t)) & ((1 << H) - 1));
    return plans;
  }

  /** Exact −log p(x) per token: the mean over all plans, as the prior has it. */
  private double exactNll(FewTexts held) {
    double sum = 0;
    for (int text = 0; text < held.tokens().length; text++) {
      double likelihood = 0;
      for (int all = 0; all < PLANS; all++) {
        likelihood += Math.exp(-loss(held, text, plans(all))) / PLANS;
      }
      sum -= Math.log(likelihood);
    }
    return sum / countedTokens(held);
  }

  private static long countedTokens(FewTexts held) {
    return Arrays.stream(held.targets())
        .flatMapToInt(Arrays::stream)
        .filter(target -> target != Batch.IGNORE)
        .count();
  }

  private PlanPosterior posterior(FewTexts held, int text) {
    FreeTransformer free = (FreeTransformer) model;
    try (var _ = engine.scope("test");
        var _ = engine.noGrad()) {
      var sequence = SmallModels.whole(engine, held.length());
      Tensor x = free.firstHalf(engine.tensor(held.tokens()[text], 1, T), sequence, null);
      return new PlanPosterior(free.planLogits(x, sequence));
    }
  }

  /** Exact reconstruction and KL per token: means over all plans, as the encoder has them. */
  private double[] exactTerms(FewTexts held) {
    double reconstruction = 0;
    double kl = 0;
    for (int text = 0; text < held.tokens().length; text++) {
      PlanPosterior posterior = posterior(held, text);
      for (int all = 0; all < PLANS; all++) {
        double logQ = 0;
        int[] plans = plans(all);
        for (int t = 0; t < T; t++) {
          logQ += posterior.logProbability(t, plans[t]);
        }
        reconstruction += Math.exp(logQ) * loss(held, text, plans);
        kl += Math.exp(logQ) * (logQ - T * posterior.logPrior());
      }
    }
    return new double[] {reconstruction / countedTokens(held), kl / countedTokens(held)};
  }

  // ---- What an evaluation says ----

  @Test
  void reconstructionAndKlAreTheirExpectations() {
    double[] exact = exactTerms(texts);
    Evaluation found = evaluate(texts, 5, 4000, 1);
    assertThat(found.tokens()).isEqualTo(5 * T);
    assertThat(found.kl()).isCloseTo(exact[1], within(1e-5));
    assertThat(found.reconstruction()).isCloseTo(exact[0], within(0.02));
    assertThat(found.nllBound()).isEqualTo(found.reconstruction() + found.kl());
    assertThat(Arrays.stream(found.klPerBit()).sum()).isCloseTo(found.kl(), within(1e-12));
    assertThat(found.klPerBit()).hasSize(H);
  }

  @Test
  void theWeightedBoundFallsFromTheBoundToTheExactLikelihood() {
    double exact = exactNll(texts);
    double[] terms = exactTerms(texts);
    double bound = terms[0] + terms[1];
    assertThat(bound).as("this model tells bounds apart").isGreaterThan(exact + 0.1);
    double one = mean(1, 1500);
    double four = mean(4, 400);
    double many = mean(64, 60);
    assertThat(one).as("K = 1 is the bound").isCloseTo(bound, within(0.03));
    assertThat(four).isLessThan(one - 0.02);
    assertThat(many).isLessThan(four - 0.005).isGreaterThan(exact - 0.01);
    assertThat(evaluate(texts, 5, 4096, 3).weightedBound()).isCloseTo(exact, within(0.04));
  }

  private double mean(int samples, int seeds) {
    double sum = 0;
    try (Evaluator evaluator = Evaluator.sampling(model, 5, T, samples)) {
      for (int seed = 0; seed < seeds; seed++) {
        engine.random().seed(seed);
        sum += evaluator.evaluate(batches(texts, 5), 5).weightedBound();
      }
    }
    return sum / seeds;
  }

  /** Only plans at or before the last counted target cost anything. */
  @Test
  void targetsThatDoNotCountAndPlansBehindThemAreLeftOut() {
    FewTexts held = texts(4, T).ignoring(0, 2);
    Evaluation found = evaluate(held, 4, 4096, 1);
    assertThat(found.tokens()).isEqualTo(4);
    assertThat(found.weightedBound()).isCloseTo(exactNll(held), within(0.02));
    assertThat(found.kl()).isLessThan(exactTerms(held)[1] - 0.01);
  }

  @Test
  void onePlanFromThePriorGivesItsExpectation() {
    double expected = 0;
    for (int text = 0; text < texts.tokens().length; text++) {
      for (int all = 0; all < PLANS; all++) {
        expected += loss(texts, text, plans(all)) / PLANS;
      }
    }
    expected /= countedTokens(texts);
    double sum = 0;
    int seeds = 1500;
    try (Evaluator evaluator = Evaluator.sampling(model, 5, T, 1)) {
      for (int seed = 0; seed < seeds; seed++) {
        engine.random().seed(seed);
        sum += evaluator.evaluate(batches(texts, 5), 5).priorCrossEntropy();
      }
    }
    assertThat(sum / seeds).isCloseTo(expected, within(0.03));
    assertThat(expected).as("a bound as well").isGreaterThan(exactNll(texts));
  }

  @Test
  void theLikeliestPlanMakesNoBound() {
    double expected = 0;
    for (int text = 0; text < texts.tokens().length; text++) {
      expected += loss(texts, text, posterior(texts, text).likeliest());
    }
    Evaluation found;
    try (Evaluator evaluator = Evaluator.deterministic(model, 2, T)) {
      found = evaluator.evaluate(batches(texts, 2), Long.MAX_VALUE);
      engine.random().seed(77);
      assertThat(evaluator.evaluate(batches(texts, 2), Long.MAX_VALUE).reconstruction())
          .isEqualTo(found.reconstruction());
    }
    assertThat(found.reconstruction()).isCloseTo(expected / countedTokens(texts), within(1e-5));
    assertThat(found.kl()).isCloseTo(exactTerms(texts)[1], within(1e-5));
    assertThat(found.hasBound()).isFalse();
    assertThat(found.nllBound()).isNaN();
    assertThat(found.weightedBound()).isNaN();
  }

  @Test
  void everyExampleCountsOnceWhateverTheBatchSize() {
    Evaluation whole = evaluate(texts, 5, 3, 9);
    for (int batch : new int[] {1, 2, 3, 4}) {
      assertThat(evaluate(texts, batch, 3, 9))
          .usingRecursiveComparison()
          .withEqualsForType((a, b) -> Math.abs(a - b) < 1e-5, Double.class)
          .isEqualTo(whole);
    }
  }

  @Test
  void aBaselineHasItsLikelihoodAlone() {
    try (LanguageModel baseline = model(ModelConfig.Kind.BASELINE);
        Evaluator evaluator = Evaluator.sampling(baseline, 2, T, 8)) {
      double expected = 0;
      for (int text = 0; text < texts.tokens().length; text++) {
        float[][] logits = SmallModels.logits(baseline, texts.tokens()[text], new int[0]);
        for (int t = 0; t < T; t++) {
          double sum = 0;
          for (float logit : logits[t]) {
            sum += Math.exp(logit);
          }
          expected += Math.log(sum) - logits[t][texts.targets()[text][t]];
        }
      }
      Evaluation found = evaluator.evaluate(batches(texts, 2), Long.MAX_VALUE);
      assertThat(found.nllBound()).isCloseTo(expected / countedTokens(texts), within(1e-5));
      assertThat(found.hasPlan()).isFalse();
      assertThat(found.kl()).isZero();
      assertThat(found.priorCrossEntropy()).isNaN();
    }
  }

  @Test
  void bitsPerByteCountsTheBytesOfTheTargets() {
    Evaluation found = evaluate(texts, 2, 1, 1);
    Tokenizer longTokens = bytes(token -> token);
    double bytes = Arrays.stream(texts.targets()).flatMapToInt(Arrays::stream).sum();
    assertThat(BitsPerByte.of(found, batches(texts, 2), 100, longTokens).orElseThrow())
        .isCloseTo(found.nllBound() * 5 * T / bytes / Math.log(2), within(1e-12));
    assertThat(BitsPerByte.of(found, batches(texts, 2), 100, bytes(_ -> 0))).isEmpty();
  }

  private static Tokenizer bytes(IntUnaryOperator lengths) {
    return new Tokenizer() {
      @Override
      public int vocabSize() {
        return 11;
      }

      @Override
      public int[] encode(String text) {
        throw new AssertionError();
      }

      @Override
      public String decode(int... tokens) {
        throw new AssertionError();
      }

      @Override
      public int byteLength(int token) {
        return lengths.applyAsInt(token);
      }
    };
  }

  @Test
  void anEvaluationCanBeEndedAndRefusesNonsense() {
    try (Evaluator evaluator = Evaluator.sampling(model, 2, T, 1)) {
      assertThat(evaluator.evaluate(batches(texts, 2), 100, done -> done < 4).tokens())
          .isEqualTo(4 * T);
      assertThat(evaluator.evaluate(batches(texts, 2), 3).tokens()).isEqualTo(3 * T);
      assertThatThrownBy(() -> evaluator.evaluate(batches(texts, 2), 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1 or more");
    }
    assertThatThrownBy(() -> Evaluator.sampling(model, 2, T, 0))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("samples");
  }
}

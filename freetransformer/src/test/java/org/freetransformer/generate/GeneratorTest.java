package org.freetransformer.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.freetransformer.generate.Generator.FinishReason;
import org.freetransformer.generate.Generator.Request;
import org.freetransformer.generate.Generator.Sample;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.SmallModels;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Generation with a model of 11 tokens, at most 12 at a time, and plans of 3 bits. */
final class GeneratorTest {
  private static final List<int[]> TWICE = List.of(new int[] {1, 2, 3}, new int[] {1, 2, 3});

  private final Engine engine = Engine.on(Devices.scalar());
  private final LanguageModel model =
      SmallModels.scrambled(engine, SmallModels.config(ModelConfig.Kind.FREE).build());
  private final Generator generator = new Generator(model);

  @AfterEach
  void closeEngine() {
    model.close();
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  private List<Sample> write(List<int[]> prompts, Sampling sampling, PlanControl plans) {
    return generator.generate(new Request(prompts, 8, sampling, plans, Set.of()));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sameSeedSameTextOtherSeedOtherText(boolean encode) {
    PlanControl plans = PlanControl.prior(4).withEncodedPrompt(encode);
    List<Sample> first = write(TWICE, Sampling.plain(3), plans);
    long before = engine.device().memory().liveBytes();
    assertThat(write(TWICE, Sampling.plain(3), plans)).isEqualTo(first);
    assertThat(engine.device().memory().liveBytes()).isEqualTo(before);
    assertThat(write(TWICE, Sampling.plain(5), plans)).isNotEqualTo(first);
    PlanControl others = PlanControl.prior(6).withEncodedPrompt(encode);
    List<Sample> planned = write(TWICE, Sampling.plain(3), others);
    assertThat(planned.getFirst().plans()).isNotEqualTo(first.getFirst().plans());
    assertThat(first.get(0)).isNotEqualTo(first.get(1));
  }

  /** At any instruction: as a server does when a client goes away. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPromptWhoseReadingIsGivenUpLeavesNoMemory(boolean encode) {
    PlanControl plans = PlanControl.prior(4).withEncodedPrompt(encode);
    List<Sample> whole = write(TWICE, Sampling.plain(3), plans);
    long before = engine.device().memory().liveBytes();
    int instructions = 0;
    while (isGivenUp(plans, instructions + 1)) {
      instructions++;
      assertThat(engine.device().memory().liveBytes()).isEqualTo(before);
      assertThat(engine.gradEnabled()).isTrue();
    }
    assertThat(instructions).isGreaterThan(20);
    assertThat(write(TWICE, Sampling.plain(3), plans)).isEqualTo(whole);
  }

  private boolean isGivenUp(PlanControl plans, int after) {
    AtomicInteger left = new AtomicInteger(after);
    try (Engine.Mode _ =
        engine.observe(_ -> {
          if (left.decrementAndGet() == 0) {
            throw new CancellationException();
          }
        })) {
      write(TWICE, Sampling.plain(3), plans);
      return false;
    } catch (CancellationException _) {
      return true;
    }
  }

  @Test
  void leavesTheEnginesRandomStreamWhereItWas() {
    engine.random().seed(77);
    engine.random().step(5);
    write(TWICE, Sampling.greedy(), PlanControl.prior(1).withEncodedPrompt(true));
    assertThat(engine.random().seed()).isEqualTo(77);
    assertThat(engine.random().step()).isEqualTo(5);
  }

  /** Also of their lengths: an inferred plan is a function of seed, sample and position. */
  @Test
  void inferredPlansDoNotDependOnTheOtherPrompts() {
    PlanControl plans = PlanControl.prior(4).withEncodedPrompt(true);
    int[] prompt = {4, 5, 6};
    Sample alone = write(List.of(prompt), Sampling.greedy(), plans).getFirst();
    int[] longer = {1, 2, 3, 4, 5, 6, 7, 8};
    assertThat(write(List.of(prompt, longer), Sampling.greedy(), plans).getFirst())
        .isEqualTo(alone);
  }

  /** Without caches, and with other samples beside it. */
  @Test
  void whatTheEncoderInfersOfAPromptIsDrawnForItsText() {
    int[] prompt = {1, 2, 3};
    int[] drawn = generator.infer(prompt).draw(Generator.inferredPlans(4), 0);
    PlanControl plans = PlanControl.prior(4).withEncodedPrompt(true);
    List<Sample> samples = write(TWICE, Sampling.greedy(), plans);
    assertThat(samples.getFirst().plans()).startsWith(drawn[0], drawn[1], drawn[2]);
    assertThatThrownBy(generator::infer).hasMessageContaining("0 tokens");
    assertThatThrownBy(() -> generator.infer(11)).hasMessageContaining("token 11");
  }

  @Test
  void greedyTextIsAFunctionOfThePlanThatSharedSamplesHaveInCommon() {
    List<Sample> shared = write(TWICE, Sampling.greedy(), PlanControl.prior(1).withShared(true));
    assertThat(shared.get(0)).isEqualTo(shared.get(1));
    List<Sample> own = write(TWICE, Sampling.greedy(), PlanControl.prior(1));
    assertThat(own.get(0).plans()).isNotEqualTo(own.get(1).plans());
    assertThat(own.get(0).plans()).hasSize(3 + 8).allMatch(plan -> plan >= 0 && plan < 8);
  }

  /** A plan that the encoder infers is of its prompt: others have their own. */
  @Test
  void samplesOfOnePromptShareThePlanThatIsInferredOfIt() {
    int[] other = {6, 7, 8, 9};
    List<int[]> prompts = List.of(new int[] {4, 5, 6, 1}, other, new int[] {4, 5, 6, 1}, other);
    PlanControl own = PlanControl.prior(3).withEncodedPrompt(true);
    List<Sample> apart = write(prompts, Sampling.greedy(), own);
    List<Sample> shared = write(prompts, Sampling.greedy(), own.withShared(true));
    assertThat(apart.get(2).plans().subList(0, 4)).isNotEqualTo(apart.get(0).plans().subList(0, 4));
    assertThat(shared.get(2)).isEqualTo(shared.get(0));
    assertThat(shared.get(3)).isEqualTo(shared.get(1));
    assertThat(shared.get(0).plans().subList(0, 4)).isEqualTo(apart.get(0).plans().subList(0, 4));
    assertThat(shared.get(1).plans().subList(0, 4)).isEqualTo(apart.get(1).plans().subList(0, 4));
    assertThat(shared.get(1).plans().subList(4, 8)).isEqualTo(shared.get(0).plans().subList(4, 8));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aReturnedPlanReplayedGivesTheSameTokens(boolean encode) {
    PlanControl plans = PlanControl.prior(8).withEncodedPrompt(encode);
    Sample first = write(List.of(new int[] {4, 5}), Sampling.plain(3), plans).getFirst();
    PlanControl replay = PlanControl.prior(999).withReplay(first.plans());
    assertThat(write(List.of(new int[] {4, 5}), Sampling.plain(3), replay)).containsExactly(first);
  }

  @Test
  void pinnedBitsHoldInEveryPlan() {
    List<Sample> samples =
        write(TWICE, Sampling.plain(1), PlanControl.prior(2).withPinned(0b101, 0b100));
    for (Sample sample : samples) {
      assertThat(sample.plans()).allMatch(plan -> (plan & 0b101) == 0b100);
      assertThat(sample.plans().stream().distinct()).hasSize(2);
    }
  }

  /** The long prompt reaches max_seq_len while the short one still writes. */
  @ParameterizedTest
  @EnumSource
  void promptsOfUnequalLengthAreWrittenOnAsIfAlone(ModelConfig.Kind kind) {
    int[] longPrompt = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    int[] shortPrompt = {7, 3};
    PlanControl plans = PlanControl.prior(1).withShared(true);
    try (LanguageModel other = SmallModels.scrambled(engine, SmallModels.config(kind).build())) {
      Generator writer = new Generator(other);
      List<Sample> together = greedy(writer, List.of(longPrompt, shortPrompt), plans);
      assertThat(greedy(writer, List.of(longPrompt), plans)).containsExactly(together.get(0));
      assertThat(greedy(writer, List.of(shortPrompt), plans)).containsExactly(together.get(1));
      assertThat(together.get(0).tokens()).hasSize(3);
      assertThat(together.get(1).tokens()).hasSize(8);
      assertThat(together.get(1).plans()).hasSize(kind == ModelConfig.Kind.FREE ? 10 : 0);
    }
  }

  private static List<Sample> greedy(Generator writer, List<int[]> prompts, PlanControl plans) {
    return writer.generate(new Request(prompts, 8, Sampling.greedy(), plans, Set.of()));
  }

  /** A row's own: with those of the other row both would be written otherwise. */
  @Test
  void whatIsPenalisedIsARowsPromptAndWhatItWrote() {
    Sampling sampling = new Sampling(0, 0, 1, 0, 1.5, 0);
    List<int[]> prompts = List.of(new int[] {1, 2, 3}, new int[] {7});
    PlanControl plans = PlanControl.prior(4);
    List<Sample> samples = write(prompts, sampling, plans);
    for (int b = 0; b < prompts.size(); b++) {
      assertThat(samples.get(b).tokens())
          .isEqualTo(penalised(prompts.get(b), samples.get(b).plans(), 1.5f));
    }
    assertThat(samples).isNotEqualTo(write(prompts, Sampling.greedy(), plans));
  }

  /** Eight tokens, each the likeliest by logits that are divided, or multiplied, here. */
  private List<Integer> penalised(int[] prompt, List<Integer> plans, float penalty) {
    int[] z = plans.stream().mapToInt(Integer::intValue).toArray();
    List<Integer> text = new ArrayList<>(Arrays.stream(prompt).boxed().toList());
    try (IncrementalDecoder decoder = new IncrementalDecoder(model, 1, 12)) {
      int[][] read = {Arrays.copyOf(z, prompt.length)};
      float[] logits = decoder.prompt(List.of(prompt), read).logits()[0];
      while (text.size() < z.length) {
        int best = 0;
        float[] changed = logits.clone();
        for (int token = 0; token < changed.length; token++) {
          if (text.contains(token)) {
            changed[token] = logits[token] < 0 ? logits[token] * penalty : logits[token] / penalty;
          }
          best = changed[token] > changed[best] ? token : best;
        }
        logits = decoder.next(new int[] {best}, new int[] {z[text.size()]})[0];
        text.add(best);
      }
    }
    return text.subList(prompt.length, text.size());
  }

  @Test
  void stopsAtAStopTokenWhileOthersWriteOn() {
    PlanControl plans = PlanControl.prior(4);
    List<Sample> free = write(TWICE, Sampling.plain(3), plans);
    List<Integer> text = free.getFirst().tokens();
    int stop = text.get(2);
    int end = text.indexOf(stop) + 1;
    List<Sample> stopped =
        generator.generate(new Request(TWICE, 8, Sampling.plain(3), plans, Set.of(stop)));
    assertThat(stopped.getFirst().tokens()).isEqualTo(text.subList(0, end));
    assertThat(stopped.getFirst().finishReason()).isEqualTo(FinishReason.STOP);
    List<Integer> other = free.get(1).tokens();
    int otherEnd = other.contains(stop) ? other.indexOf(stop) + 1 : other.size();
    assertThat(stopped.get(1).tokens()).isEqualTo(other.subList(0, otherEnd));
    assertThat(free.getFirst().finishReason()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void aListenerEndsRowsAtDifferentSteps() {
    PlanControl plans = PlanControl.prior(4);
    List<Sample> free = write(TWICE, Sampling.plain(3), plans);
    Request request = new Request(TWICE, 8, Sampling.plain(3), plans, Set.of());
    int[] left = {2, 5};
    List<Sample> ended = generator.generate(request, token -> --left[token.sample()] > 0);
    assertThat(left).containsExactly(0, 0);
    for (int b = 0; b < 2; b++) {
      int written = b == 0 ? 2 : 5;
      assertThat(ended.get(b).tokens()).isEqualTo(free.get(b).tokens().subList(0, written));
      assertThat(ended.get(b).plans()).isEqualTo(free.get(b).plans().subList(0, 3 + written));
      assertThat(ended.get(b).finishReason()).isEqualTo(FinishReason.LISTENER);
    }
  }

  /** A stop token ends a sample whatever the listener says, and the listener before the length. */
  @Test
  void theReasonIsTheStopTokenThenTheListener() {
    PlanControl plans = PlanControl.prior(4);
    int first = write(TWICE, Sampling.greedy(), plans).getFirst().tokens().getFirst();
    Request one = new Request(TWICE, 1, Sampling.greedy(), plans, Set.of(first));
    assertThat(generator.generate(one, _ -> false).getFirst().finishReason())
        .isEqualTo(FinishReason.STOP);
    Request none = new Request(TWICE, 1, Sampling.greedy(), plans, Set.of());
    assertThat(generator.generate(none, _ -> false).getFirst().finishReason())
        .isEqualTo(FinishReason.LISTENER);
  }

  @ParameterizedTest
  @CsvSource({"33, 1", "31, 1", "-1, 0", "0, 2", "0, -1"})
  void pinsNoBitThatIsNone(int bit, int value) {
    assertThatThrownBy(() -> PlanControl.prior(0).withPinned(Map.of(bit, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("bit %d pinned to %d: ", bit, value);
  }

  @Test
  void pinsSingleBits() {
    PlanControl plans = PlanControl.prior(0);
    assertThat(plans.withPinned(Map.of(0, 1, 2, 0))).isEqualTo(plans.withPinned(0b101, 0b001));
  }

  @Test
  void saysWhatIsWrong() {
    PlanControl plans = PlanControl.prior(0);
    Sampling greedy = Sampling.greedy();
    assertThatThrownBy(() -> write(List.of(new int[0]), greedy, plans))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("prompt 0 has 0 tokens: this model takes 1 to 12 (max_seq_len)");
    assertThatThrownBy(() -> write(List.of(new int[] {1}, new int[13]), greedy, plans))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("prompt 1 has 13 tokens: this model takes 1 to 12 (max_seq_len)");
    assertThatThrownBy(() -> write(List.of(new int[] {11}), greedy, plans))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("prompt 0 has token 11: this model's tokens are 0 to 10 (vocab_size)");
    assertThatThrownBy(() -> write(TWICE, greedy, plans.withPinned(0b1000, 0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pinned bit 3: this model's plans have bits 0 to 2");
    assertThatThrownBy(() -> write(TWICE, greedy, plans.withReplay(List.of(8))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("replayed plan 8 at position 0: this model's plans are 0 to 7");
    assertThatThrownBy(() -> new Request(TWICE, 0, greedy, plans, Set.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("0 new tokens: allowed are 1 or more");
  }
}

package org.freetransformer.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.eval.PlanStatistics;
import org.freetransformer.train.CollapseRemedies;
import org.freetransformer.train.TrainingConfig;
import org.junit.jupiter.api.Test;

final class CollapseWarningTest {
  private static final TrainingConfig PLAIN =
      TrainingConfig.builder().maxSteps(900).kappaFreeBits(0.08).build();

  /** A plan of one bit. */
  private static Evaluation evaluation(double kl, double text) {
    PlanStatistics plans =
        new PlanStatistics(100, List.of(new PlanStatistics.Bit(0.69, kl, 0, 0, text)));
    return new Evaluation(100, true, 1, 0.3, kl, new double[] {kl}, Double.NaN, Double.NaN, plans);
  }

  @Test
  void warnsOnceWithTheKeysToTry() {
    CollapseWarning warning = new CollapseWarning(PLAIN);
    assertThat(warning.after(300, evaluation(0.005, 0.004)).orElseThrow())
        .startsWith("step 300: the plan is hardly used, posterior collapse")
        .contains("0.0040 nats of the text", "KL of 0.0050", "0.0800 free bits")
        .contains("training.kl_warmup_steps=297")
        .doesNotContain("\n");
    assertThat(warning.after(600, evaluation(0, 0))).isEmpty();
  }

  @Test
  void aPlanWhoseKlTellsNothingOfTheTextHasCollapsedToo() {
    assertThat(new CollapseWarning(PLAIN).after(900, evaluation(0.08, 0.001))).isPresent();
  }

  @Test
  void leavesAPlanItsTimeAndAUsedPlanInPeace() {
    CollapseWarning warning = new CollapseWarning(PLAIN);
    assertThat(warning.after(200, evaluation(0, 0))).isEmpty();
    assertThat(warning.after(900, evaluation(0.08, 0.06))).isEmpty();
    Evaluation baseline =
        new Evaluation(100, false, 0, 0.3, 0, new double[0], Double.NaN, Double.NaN, null);
    assertThat(warning.after(900, baseline)).isEmpty();
  }

  @Test
  void doesNotAdviseWhatTheRunHasAlready() {
    TrainingConfig all =
        PLAIN.toBuilder()
            .klWarmupSteps(100)
            .remedies(
                CollapseRemedies.NONE
                    .withKappaFrom(0.5, 100)
                    .withTargetKl(0.08, 1)
                    .withEncoderLrRatio(3))
            .build();
    assertThat(new CollapseWarning(all).after(900, evaluation(0, 0)).orElseThrow())
        .doesNotContain("kl_warmup_steps", "kappa_schedule")
        .contains("training.target_kl_weight=0, then another training.seed");
  }
}

package org.freetransformer.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.freetransformer.train.CollapseRemedies;
import org.freetransformer.train.CollapseRemedies.KappaSchedule;
import org.freetransformer.train.TrainingConfig;
import org.junit.jupiter.api.Test;

class DemoConfigsTest {

  private static TrainingConfig training(Regime regime, String... changes) {
    return new DemoConfigs(List.of(changes), _ -> {}).of(regime).training();
  }

  @Test
  void eachModelHasItsFreeBits() {
    assertThat(training(Regime.TINY).kappaFreeBits()).isEqualTo(Math.log(2) / 64);
    assertThat(training(Regime.HUGE).kappaFreeBits()).isEqualTo(8 * Math.log(2));
    assertThat(training(Regime.SMALL).remedies().kappaSchedule()).isEqualTo(KappaSchedule.CONSTANT);
  }

  @Test
  void oneBitIsWhatEightBitsCameDownTo() {
    CollapseRemedies large = training(Regime.LARGE, "training.max_steps=9").remedies();
    assertThat(large.kappaSchedule()).isEqualTo(KappaSchedule.LINEAR);
    assertThat(large.kappaStart()).isEqualTo(8 * Math.log(2));
    assertThat(large.kappaScheduleSteps()).isEqualTo(6);
    assertThat(training(Regime.LARGE).kappaFreeBits()).isEqualTo(Math.log(2));
  }

  @Test
  void changesHaveTheLastWord() {
    TrainingConfig large =
        training(Regime.LARGE, "training.kappa_schedule=constant", "training.kl_warmup_steps=7");
    assertThat(large.remedies().kappaSchedule()).isEqualTo(KappaSchedule.CONSTANT);
    assertThat(large.klWarmupSteps()).isEqualTo(7);
  }
}

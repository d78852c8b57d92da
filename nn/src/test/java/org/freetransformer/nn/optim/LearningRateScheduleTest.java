package org.freetransformer.nn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.data.Offset;
import org.freetransformer.nn.optim.LearningRateSchedule.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class LearningRateScheduleTest {
  private static final Offset<Double> NEAR = Offset.offset(1e-12);

  /** Warm-up over 10 of 110 steps, peak 2, last rate 0.2. */
  private static LearningRateSchedule schedule(Kind kind) {
    return new LearningRateSchedule(kind, 2, 0.1, 10, 110, 0.2);
  }

  @ParameterizedTest
  @EnumSource
  void risesLinearlyToThePeak(Kind kind) {
    assertThat(schedule(kind).at(1)).isCloseTo(0.2, NEAR);
    assertThat(schedule(kind).at(5)).isCloseTo(1, NEAR);
    assertThat(schedule(kind).at(10)).isCloseTo(2, NEAR);
  }

  @ParameterizedTest
  @CsvSource({
    "COSINE, 60, 1.1",
    "COSINE, 110, 0.2",
    "COSINE, 35, 1.7363961030678928",
    "COSINE, 500, 0.2",
    "LINEAR, 60, 1.1",
    "LINEAR, 35, 1.55",
    "LINEAR, 110, 0.2",
    "LINEAR, 500, 0.2",
    "CONSTANT, 60, 2",
    "CONSTANT, 110, 2",
    "CONSTANT, 500, 2",
    "WSD, 60, 2",
    "WSD, 90, 2",
    "WSD, 100, 1.1",
    "WSD, 110, 0.2",
    "WSD, 500, 0.2"
  })
  void fallsItsOwnWay(Kind kind, long step, double rate) {
    assertThat(schedule(kind).at(step)).isCloseTo(rate, NEAR);
  }

  @ParameterizedTest
  @EnumSource
  void startsNearThePeakWithoutWarmUp(Kind kind) {
    double first = new LearningRateSchedule(kind, 2, 0, 0, 1000, 0.2).at(1);
    assertThat(first).isBetween(1.99, 2.0);
  }

  @ParameterizedTest
  @EnumSource
  void neverFallsWhileItRisesNorRisesWhileItFalls(Kind kind) {
    for (int step = 2; step <= 110; step++) {
      double change = schedule(kind).at(step) - schedule(kind).at(step - 1);
      assertThat(step <= 10 ? change : -change).isGreaterThanOrEqualTo(0);
    }
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatThrownBy(() -> new LearningRateSchedule(Kind.LINEAR, Double.NaN, 0, 0, 1, 0.2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("peak NaN: allowed are above 0");
    assertThatThrownBy(() -> new LearningRateSchedule(Kind.LINEAR, 1, 2, 0, 1, 0.2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("minimumRatio 2.0");
    assertThatThrownBy(() -> new LearningRateSchedule(Kind.LINEAR, 1, 0, -1, 1, 0.2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("warmupSteps -1");
    assertThatThrownBy(() -> new LearningRateSchedule(Kind.WSD, 1, 0, 0, 1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("decayShare 0");
  }

  @Test
  void staysAtThePeakUntilItsShareOfTheEnd() {
    LearningRateSchedule half = new LearningRateSchedule(Kind.WSD, 2, 0, 10, 110, 0.5);
    assertThat(half.at(60)).isCloseTo(2, NEAR);
    assertThat(half.at(85)).isCloseTo(1, NEAR);
    assertThat(half.at(110)).isCloseTo(0, NEAR);
  }
}

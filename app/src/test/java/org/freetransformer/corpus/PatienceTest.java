package org.freetransformer.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class PatienceTest {
  @Test
  void aStepThatWaitsIsInterruptedAndTheNextIsNot() {
    try (Patience patience = new Patience(Duration.ofMillis(50))) {
      patience.begin();
      assertThatThrownBy(() -> Thread.sleep(Duration.ofHours(1)))
          .isInstanceOf(InterruptedException.class);
      assertThat(patience.end()).isTrue();
      assertThat(Thread.interrupted()).isFalse();
    }
  }

  @Test
  void aStepInTimeIsLeftAlone() {
    try (Patience patience = new Patience(Duration.ofMinutes(1))) {
      patience.begin();
      assertThat(patience.end()).isFalse();
    }
  }
}

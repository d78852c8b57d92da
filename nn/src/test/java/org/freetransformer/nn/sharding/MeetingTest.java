package org.freetransformer.nn.sharding;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class MeetingTest {
  /** Else those who meet there would wait for ever for the rank that failed. */
  @Test
  void afterAFailureNoSideIsMade() {
    Meeting all = new Meeting(4);
    Meeting before = all.side(0, 2);
    all.fail(new RankFailure(3, new IllegalStateException("no memory")));
    for (int side = 0; side < 2; side++) {
      int number = side;
      assertThatThrownBy(() -> all.side(number, 2))
          .isInstanceOf(RankFailure.class)
          .hasMessageContaining("rank 3 failed: no memory");
    }
    assertThatThrownBy(before::pass).isInstanceOf(RankFailure.class);
  }
}

package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class SplitRuleTest {
  private static int tail(String text, double from, double to, double fraction) {
    return SplitRule.tail(new Document("here", text, from, to), fraction);
  }

  @Test
  void theTailOfAWholeTextIsAShareOfIt() {
    assertThat(tail("0123456789", 0, 1, 0.25)).isEqualTo(7);
    assertThat(tail("0123456789", 0, 1, 0)).isEqualTo(10);
    assertThat(tail("0🌳", 0, 1, 0.25)).as("not within a character").isEqualTo(1);
  }

  @Test
  void aStretchIsOnOneSideUnlessTheBorderLiesInIt() {
    assertThat(tail("0123456789", 0, 0.5, 0.25)).as("before the border").isEqualTo(10);
    assertThat(tail("0123456789", 0.5, 0.75, 0.25)).as("up to the border").isEqualTo(10);
    assertThat(tail("0123456789", 0.5, 1, 0.25)).as("around the border").isEqualTo(5);
    assertThat(tail("0123456789", 0.75, 1, 0.25)).as("from the border").isEqualTo(0);
    assertThat(tail("0123456789", 0.9, 1, 0.25)).as("behind the border").isEqualTo(0);
  }
}

package org.freetransformer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class MedianTest {
  @Test
  void isTheMiddleOfAnyOrder() {
    assertThat(Median.of(List.of(7.5))).isEqualTo(7.5);
    assertThat(Median.of(List.of(9.0, 1.0, 2.0))).isEqualTo(2);
    assertThat(Median.of(List.of(100, 4, 1, 2))).isEqualTo(3);
    assertThatThrownBy(() -> Median.of(List.of())).isInstanceOf(IllegalArgumentException.class);
  }
}

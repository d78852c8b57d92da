package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeapSizeTest {
  @Test
  void readsBytesAndUnits() {
    assertThat(HeapSize.parse("-Dx", "1048576")).isEqualTo(1 << 20);
    assertThat(HeapSize.parse("-Dx", "3072k")).isEqualTo(3 << 20);
    assertThat(HeapSize.parse("-Dx", "8191M")).isEqualTo(8191L << 20);
    assertThat(HeapSize.parse("-Dx", " 4g ")).isEqualTo(4L << 30);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "g", "4GiB", "-1", "1.5g", "4t"})
  void refusesWhatIsNoSize(String given) {
    assertThatThrownBy(() -> HeapSize.parse("-Dx", given))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("-Dx=" + given + ": must be bytes")
        .hasMessageContaining("1g");
  }

  @Test
  void refusesWhatIsTooSmallOrTooLarge() {
    assertThatThrownBy(() -> HeapSize.parse("-Dx", "64k"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("-Dx=64k: must be from 1m to 8191m; the nearest is 1m");
    for (String given : new String[] {"8g", "64g", "999999999999999999g"}) {
      assertThatThrownBy(() -> HeapSize.parse("-Dx", given))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("the nearest is 8191m");
    }
  }
}

package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CachesTest {
  @Test
  void readsSizesInKibibytesAndMebibytes() {
    assertThat(Caches.parse("2048K")).isEqualTo(2 << 20);
    assertThat(Caches.parse("4M")).isEqualTo(4 << 20);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "K", "many", "0K", "-512K", "999999M", "99999999999999999999K", "2G"})
  void takesStrangeSizesForTheUsualOne(String size) {
    assertThat(Caches.parse(size)).isEqualTo(1 << 20);
  }

  @Test
  void aPanelFitsWhateverTheSystemSays() {
    assertThat(GemmScratch.PANEL_ELEMENTS)
        .isGreaterThanOrEqualTo(GemmKernel.COLUMNS * GemmKernel.MAX_DEPTH);
  }
}

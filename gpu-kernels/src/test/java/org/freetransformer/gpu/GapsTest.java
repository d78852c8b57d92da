package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class GapsTest {
  @Test
  void takesOutWhatIsNotUsed() {
    Gaps gaps = new Gaps();
    gaps.use(64, 64);
    gaps.use(256, 128);
    gaps.use(320, 128); // Shares 320 to 384 with the one before, at another time.
    assertThat(gaps.usedBytes()).isEqualTo(64 + 192);
    assertThat(gaps.without(64)).isZero();
    assertThat(gaps.without(256)).isEqualTo(64);
    assertThat(gaps.without(320)).isEqualTo(128);
  }

  @Test
  void keepsWhatOverlapsAndWhatDoesNot() {
    SplittableRandom random = new SplittableRandom(1);
    for (int round = 0; round < 200; round++) {
      long[] offsets = random.longs(20, 0, 100).toArray();
      long[] sizes = random.longs(20, 1, 10).toArray();
      Gaps gaps = new Gaps();
      for (int i = 0; i < offsets.length; i++) {
        gaps.use(offsets[i], sizes[i]);
      }
      for (int i = 0; i < offsets.length; i++) {
        long mine = gaps.without(offsets[i]);
        assertThat(mine + sizes[i]).isBetween(sizes[i], gaps.usedBytes());
        for (int j = 0; j < offsets.length; j++) {
          boolean overlap =
              offsets[i] < offsets[j] + sizes[j] && offsets[j] < offsets[i] + sizes[i];
          long other = gaps.without(offsets[j]);
          assertThat(mine < other + sizes[j] && other < mine + sizes[i]).isEqualTo(overlap);
        }
      }
    }
  }
}

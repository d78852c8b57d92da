package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class BatchesAheadTest {
  /** Example i is i, i + 1; remembers which were read. */
  private static final class Counting implements Dataset {
    private final List<Long> read = Collections.synchronizedList(new ArrayList<>());

    @Override
    public int vocabSize() {
      return 1000;
    }

    @Override
    public int length() {
      return 1;
    }

    @Override
    public long size(Split split) {
      return ENDLESS;
    }

    @Override
    public void read(Split split, long index, int[] tokens, int[] targets, int offset) {
      if (index == 13) {
        throw new IllegalStateException("unlucky");
      }
      read.add(index);
      tokens[offset] = (int) index;
      targets[offset] = (int) index + 1;
    }
  }

  private final Counting data = new Counting();
  private final BatchesAhead ahead = new BatchesAhead(new Batches(data, Split.TRAIN, 2, 1));

  @Test
  void whatWasBegunIsReadOnceAndTaken() {
    ahead.begin(4);
    ahead.begin(6);
    assertThat(ahead.at(6).tokens()).containsExactly(6, 7);
    assertThat(ahead.at(4).tokens()).containsExactly(4, 5);
    assertThat(data.read).containsExactlyInAnyOrder(4L, 5L, 6L, 7L);
  }

  @Test
  void anyOtherPositionIsReadWhenAskedFor() {
    ahead.begin(4);
    assertThat(ahead.at(8).tokens()).containsExactly(8, 9);
    ahead.close();
    assertThat(data.read).containsExactlyInAnyOrder(4L, 5L, 8L, 9L);
  }

  @Test
  void aFailureIsThatOfReadingIt() {
    ahead.begin(12);
    assertThatThrownBy(() -> ahead.at(12))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("unlucky");
    ahead.begin(12);
    ahead.close();
    assertThat(ahead.at(10).tokens()).containsExactly(10, 11);
  }
}

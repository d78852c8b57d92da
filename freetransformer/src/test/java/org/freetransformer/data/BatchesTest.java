package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

final class BatchesTest {

  /** Ten training and five validation examples whose one token is their number. */
  private static final class Numbers implements Dataset {
    @Override
    public int vocabSize() {
      return 10;
    }

    @Override
    public int length() {
      return 1;
    }

    @Override
    public long size(Split split) {
      return split == Split.TRAIN ? 10 : 5;
    }

    @Override
    public void read(Split split, long index, int[] tokens, int[] targets, int offset) {
      tokens[offset] = (int) index;
      targets[offset] = index == 0 ? Batch.IGNORE : (int) index;
    }
  }

  @Test
  void takesEveryExampleOnceInEachEpoch() {
    Batches batches = new Batches(new Numbers(), Split.TRAIN, 3, 1);
    int[] seen = new int[60];
    for (int i = 0; i < 20; i++) {
      System.arraycopy(batches.at(3L * i).tokens(), 0, seen, 3 * i, 3);
    }
    Set<List<Integer>> orders = new HashSet<>();
    for (int epoch = 0; epoch < 6; epoch++) {
      List<Integer> order = Arrays.stream(seen, 10 * epoch, 10 * epoch + 10).boxed().toList();
      assertThat(order).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
      orders.add(order);
    }
    assertThat(orders).hasSize(6);
  }

  @Test
  void givesTheSameBatchAtTheSamePosition() {
    Batches one = new Batches(new Numbers(), Split.TRAIN, 4, 9);
    Batches other = new Batches(new Numbers(), Split.TRAIN, 4, 9);
    one.at(0);
    assertThat(other.at(1236).tokens()).isEqualTo(one.at(1236).tokens());
  }

  @Test
  void takesValidationInOrderAndLeavesTheRestOut() {
    Batches batches = new Batches(new Numbers(), Split.VALIDATION, 2, 1);
    assertThat(batches.count()).isEqualTo(2);
    assertThat(batches.at(2).tokens()).containsExactly(2, 3);
    assertThatThrownBy(() -> batches.at(4)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThat(batches.at(0).countedTargets()).isEqualTo(1);
  }

  @Test
  void refusesABatchLargerThanTheSplit() {
    assertThatThrownBy(() -> new Batches(new Numbers(), Split.VALIDATION, 6, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "batch_size: 6 is out of range; the validation data has 5 examples; nearest is 5");
  }

  @Test
  void shufflesAnyNumberOfExamples() {
    for (int size : new int[] {1, 2, 3, 16, 17, 1000, 4097}) {
      Shuffle shuffle = new Shuffle(size, 5, 0);
      assertThat(LongStream.range(0, size).map(shuffle::at).sorted().toArray())
          .isEqualTo(LongStream.range(0, size).toArray());
    }
    Shuffle vast = new Shuffle(1L << 40, 5, 0);
    assertThat(LongStream.range(0, 100).map(vast::at).distinct().count()).isEqualTo(100);
    assertThat(LongStream.range(0, 100).map(vast::at)).allMatch(i -> i >= 0 && i < 1L << 40);
  }

  @Test
  void refusesArraysThatAreNoBatch() {
    assertThatThrownBy(() -> new Batch(new int[6], new int[5], 2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a batch of [2,3] needs 6 tokens and targets, not 6 and 5");
  }
}

package org.freetransformer.nn.sharding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.freetransformer.tensor.BFloat16;
import org.freetransformer.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProcessGroupTest {
  private static final Arena ARENA = Arena.ofAuto();

  private static float[] numbers(int rank, int count) {
    Random random = new Random(rank);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return numbers;
  }

  private static MemorySegment memory(float[] numbers) {
    return ARENA.allocateFrom(ValueLayout.JAVA_FLOAT, numbers);
  }

  private static MemorySegment halves(float[] numbers) {
    MemorySegment memory = ARENA.allocate(ValueLayout.JAVA_SHORT, numbers.length);
    for (int i = 0; i < numbers.length; i++) {
      memory.setAtIndex(ValueLayout.JAVA_SHORT, i, BFloat16.fromFloat(numbers[i]));
    }
    return memory;
  }

  private static float[] floats(MemorySegment memory) {
    return memory.toArray(ValueLayout.JAVA_FLOAT);
  }

  private static float[] fromHalves(MemorySegment memory) {
    float[] numbers = new float[(int) (memory.byteSize() / 2)];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = BFloat16.toFloat(memory.getAtIndex(ValueLayout.JAVA_SHORT, i));
    }
    return numbers;
  }

  /** The sum in rank order, one rounding to f32 after each addition. */
  private static float[] sum(int ranks, int count, Function<float[], float[]> seen) {
    float[] sum = new float[count];
    for (int rank = 0; rank < ranks; rank++) {
      float[] numbers = seen.apply(numbers(rank, count));
      for (int i = 0; i < count; i++) {
        sum[i] += numbers[i];
      }
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void gathersAllInRankOrder(int ranks) {
    List<float[]> gathered =
        InProcessRanks.run(
            ranks,
            group -> {
              MemorySegment all = ARENA.allocate(ValueLayout.JAVA_FLOAT, 1001L * ranks);
              group.allGather(memory(numbers(group.rank(), 1001)), all).start().await();
              return floats(all);
            });
    for (float[] all : gathered) {
      for (int rank = 0; rank < ranks; rank++) {
        assertThat(Arrays.copyOfRange(all, rank * 1001, (rank + 1) * 1001))
            .isEqualTo(numbers(rank, 1001));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void addsUpInRankOrderToTheBit(int ranks) {
    int part = 5003; // More than a block, and not whole blocks.
    float[] expected = sum(ranks, part * ranks, numbers -> numbers);
    List<float[]> parts =
        InProcessRanks.run(
            ranks,
            group -> {
              MemorySegment mine = ARENA.allocate(ValueLayout.JAVA_FLOAT, part);
              group
                  .reduceScatter(memory(numbers(group.rank(), part * ranks)), DType.F32, mine)
                  .start()
                  .await();
              return floats(mine);
            });
    for (int rank = 0; rank < ranks; rank++) {
      assertThat(parts.get(rank))
          .isEqualTo(Arrays.copyOfRange(expected, rank * part, (rank + 1) * part));
    }
    List<float[]> sums =
        InProcessRanks.run(
            ranks,
            group -> {
              MemorySegment values = memory(numbers(group.rank(), part * ranks));
              group.allReduce(values, DType.F32).start().await();
              return floats(values);
            });
    assertThat(sums).allSatisfy(values -> assertThat(values).isEqualTo(expected));
  }

  @Test
  void addsToWhatThePartHeldBefore() {
    List<float[]> parts =
        InProcessRanks.run(
            2,
            group -> {
              MemorySegment mine = memory(new float[] {10});
              MemorySegment all = memory(new float[] {group.rank() + 1, group.rank() + 2});
              Exchange exchange = group.reduceScatter(all, DType.F32, mine);
              exchange.start().await();
              exchange.start().await();
              return floats(mine);
            });
    assertThat(parts.get(0)).containsExactly(10 + 2 * (1 + 2));
    assertThat(parts.get(1)).containsExactly(10 + 2 * (2 + 3));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void addsBrainFloatsInSinglePrecision(int ranks) {
    int count = 600 * ranks;
    float[] expected = sum(ranks, count, numbers -> fromHalves(halves(numbers)));
    InProcessRanks.run(
        ranks,
        group -> {
          MemorySegment all = halves(numbers(group.rank(), count));
          MemorySegment mine = ARENA.allocate(ValueLayout.JAVA_FLOAT, 600);
          group.reduceScatter(all, DType.BF16, mine).start().await();
          int from = group.rank() * 600;
          assertThat(floats(mine)).isEqualTo(Arrays.copyOfRange(expected, from, from + 600));
          group.allReduce(all, DType.BF16).start().await();
          assertThat(fromHalves(all)).isEqualTo(fromHalves(halves(expected)));
          return 0;
        });
  }

  @Test
  void broadcastsAndSplits() {
    InProcessRanks.run(
        4,
        group -> {
          MemorySegment values = memory(new float[] {group.rank()});
          group.broadcast(values, 2).start().await();
          assertThat(floats(values)).containsExactly(2);
          try (ProcessGroup part = group.split(group.rank() % 2)) {
            assertThat(part.size()).isEqualTo(2);
            assertThat(part.rank()).isEqualTo(group.rank() / 2);
            MemorySegment mine = memory(new float[] {group.rank()});
            part.allReduce(mine, DType.F32).start().await();
            assertThat(floats(mine)).containsExactly(group.rank() % 2 == 0 ? 2 : 4);
          }
          return 0;
        });
  }

  @Test
  void exchangesRunInOrderWhileTheRankDoesOtherThings() {
    InProcessRanks.run(
        3,
        group -> {
          MemorySegment values = memory(numbers(group.rank(), 100));
          MemorySegment all = ARENA.allocate(ValueLayout.JAVA_FLOAT, 300);
          Exchange first = group.allReduce(values, DType.F32).start();
          Exchange second = group.allGather(values, all).start();
          second.await();
          first.await();
          float[] sum = sum(3, 100, numbers -> numbers);
          assertThat(Arrays.copyOfRange(floats(all), 100, 200)).isEqualTo(sum);
          return 0;
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void aCallThatIsWaitedForComesAfterThoseUnderWay(int ranks) {
    List<float[]> found =
        InProcessRanks.run(
            ranks,
            group -> {
              MemorySegment values = memory(new float[] {group.rank() + 1});
              Exchange sum = group.allReduce(values, DType.F32);
              for (int i = 0; i < 200; i++) {
                values.set(ValueLayout.JAVA_FLOAT, 0, group.rank() + 1);
                MemorySegment all = ARENA.allocate(ValueLayout.JAVA_FLOAT, ranks);
                if (i % (group.rank() + 2) == 0) {
                  sum.run();
                } else {
                  sum.start(); // The gathering goes to the group's thread, too, and sees the sum.
                }
                group.allGather(values, all).run();
                sum.await();
                assertThat(floats(all)).containsOnly(ranks * (ranks + 1) / 2f);
              }
              return floats(values);
            });
    assertThat(found).allSatisfy(v -> assertThat(v).containsExactly(ranks * (ranks + 1) / 2f));
  }

  @Test
  void aCallThatNothingPrecedesIsDoneByTheRanksOwnThread() {
    try (ProcessGroup group = ProcessGroup.alone()) {
      Thread[] seen = new Thread[1];
      Exchange telling = new Exchange(group, () -> seen[0] = Thread.currentThread());
      telling.run();
      assertThat(seen[0]).isSameAs(Thread.currentThread());
      telling.start().await();
      assertThat(seen[0]).isNotSameAs(Thread.currentThread());
      telling.run();
      assertThat(seen[0]).isSameAs(Thread.currentThread());
    }
  }

  @Test
  void aRankThatFailsEndsTheOthersAndIsNamed() {
    assertThatThrownBy(() ->
            InProcessRanks.run(
                3,
                group -> {
                  if (group.rank() == 1) {
                    group.barrier().start(); // Under way as the rank dies.
                    throw new IllegalStateException("the disk is full");
                  }
                  assertThatThrownBy(
                          () -> {
                            group.barrier().start().await();
                            group.barrier().run();
                          })
                      .hasMessage("rank 1 failed: the disk is full");
                  group.barrier().start().await();
                  return 0;
                }))
        .isInstanceOf(RankFailure.class)
        .hasMessage("rank 1 failed: the disk is full")
        .hasCauseInstanceOf(IllegalStateException.class);
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (ProcessGroup group = ProcessGroup.alone()) {
      MemorySegment two = memory(new float[2]);
      MemorySegment three = memory(new float[3]);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> group.allGather(two, three))
          .withMessage("all-gather over 1 ranks: 8 bytes of one rank do not fit 12 of all");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> group.reduceScatter(three, DType.F32, two));
      assertThatIllegalArgumentException().isThrownBy(() -> group.allReduce(two, DType.I32));
      assertThatIllegalArgumentException().isThrownBy(() -> group.broadcast(two, 1));
      assertThatIllegalArgumentException().isThrownBy(() -> group.split(1));
    }
    assertThatIllegalArgumentException().isThrownBy(() -> InProcessRanks.run(0, _ -> 0));
  }
}

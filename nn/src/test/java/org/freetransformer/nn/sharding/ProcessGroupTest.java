package org.freetransformer.nn.sharding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.freetransformer.tensor.BFloat16;
import org.freetransformer.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
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

  private static float[] floats(MemorySegment memory) {
    return memory.toArray(ValueLayout.JAVA_FLOAT);
  }

  private static float[] rounded(float[] numbers) {
    float[] rounded = new float[numbers.length];
    for (int i = 0; i < numbers.length; i++) {
      rounded[i] = BFloat16.toFloat(BFloat16.fromFloat(numbers[i]));
    }
    return rounded;
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

  /** Each of three ranks needs two threads, one of which cannot be had. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6})
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void noRankWaitsForOneThatHasNoThread(int lacking) {
    AtomicInteger made = new AtomicInteger();
    ThreadFactory threads =
        task -> {
          if (made.incrementAndGet() == lacking) {
            throw new OutOfMemoryError("unable to create native thread");
          }
          return new Thread(task);
        };
    Function<ProcessGroup, Integer> meet =
        group -> {
          group.barrier().run();
          return group.rank();
        };
    assertThatThrownBy(() -> InProcessRanks.run(3, meet, threads))
        .isInstanceOf(RankFailure.class)
        .hasMessageMatching("rank [0-2] failed: unable to create native thread")
        .hasCauseInstanceOf(OutOfMemoryError.class);
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

  /** Parts are longer than a block, and not whole blocks or vectors. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void roundsWhatTravelsAsBrainFloatsAndAddsInSinglePrecision(int ranks) {
    int part = 5003;
    int count = part * ranks;
    float[] expected = sum(ranks, count, ProcessGroupTest::rounded);
    InProcessRanks.run(
        ranks,
        group -> {
          MemorySegment all = memory(numbers(group.rank(), count));
          MemorySegment mine = ARENA.allocate(ValueLayout.JAVA_FLOAT, part);
          group.reduceScatter(all, DType.BF16, mine).run();
          int from = group.rank() * part;
          assertThat(floats(mine)).isEqualTo(Arrays.copyOfRange(expected, from, from + part));
          group.allReduce(all, DType.BF16).run();
          assertThat(floats(all)).isEqualTo(rounded(expected));
          group.allGather(mine, all, DType.BF16).run();
          assertThat(floats(all)).isEqualTo(rounded(expected));
          return 0;
        });
  }

  @Test
  void roundsSpecialNumbersAsOneByOne() {
    float[] special = new float[67];
    for (int i = 0; i < special.length; i++) {
      special[i] =
          switch (i % 8) {
            case 0 -> Float.NaN;
            case 1 -> Float.intBitsToFloat(0x7f80_0001); // NaN in the bits that are dropped.
            case 2 -> Float.POSITIVE_INFINITY;
            case 3 -> -Float.MAX_VALUE;
            case 4 -> Float.MIN_VALUE;
            case 5 -> -0f;
            case 6 -> Float.intBitsToFloat(0x3f80_8000); // Halfway, to the even one below.
            default -> Float.intBitsToFloat(0x3f81_8000); // Halfway, to the even one above.
          };
    }
    MemorySegment numbers = memory(special);
    MemorySegment halves = ARENA.allocate(ValueLayout.JAVA_SHORT, special.length);
    MemorySegment back = ARENA.allocate(ValueLayout.JAVA_FLOAT, special.length);
    Numbers.narrow(numbers, halves);
    Numbers.widen(halves, back);
    assertThat(floats(back)).isEqualTo(rounded(special));
    Numbers.round(numbers, back);
    assertThat(floats(back)).isEqualTo(rounded(special));
    back.fill((byte) 0);
    Numbers.addRounded(back, numbers);
    MemorySegment other = ARENA.allocate(ValueLayout.JAVA_FLOAT, special.length);
    Numbers.addHalves(other, halves);
    assertThat(floats(back)).isEqualTo(floats(other));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void gathersIntoTheMemoryThatAPartIsIn(int ranks) {
    InProcessRanks.run(
        ranks,
        group -> {
          MemorySegment all = ARENA.allocate(ValueLayout.JAVA_FLOAT, 10L * ranks);
          MemorySegment mine = all.asSlice(40L * group.rank(), 40);
          mine.copyFrom(memory(numbers(group.rank(), 10)));
          group.allGather(mine, all).run();
          for (int rank = 0; rank < ranks; rank++) {
            assertThat(Arrays.copyOfRange(floats(all), 10 * rank, 10 * rank + 10))
                .isEqualTo(numbers(rank, 10));
          }
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
            long before = group.bytesSent();
            part.allReduce(mine, DType.F32).start().await();
            assertThat(floats(mine)).containsExactly(group.rank() % 2 == 0 ? 2 : 4);
            assertThat(part.bytesSent()).isEqualTo(Float.BYTES);
            assertThat(group.bytesSent()).isEqualTo(before + Float.BYTES);
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
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aClosedGroupLeavesNoExchangeToWaitFor() {
    Exchange exchange;
    try (ProcessGroup group = ProcessGroup.alone()) {
      exchange = group.barrier();
    }
    assertThatIllegalStateException()
        .isThrownBy(exchange::start)
        .withMessage("the process group was closed");
    assertThatIllegalStateException()
        .isThrownBy(exchange::run)
        .withMessage("the process group was closed");
    exchange.await();
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

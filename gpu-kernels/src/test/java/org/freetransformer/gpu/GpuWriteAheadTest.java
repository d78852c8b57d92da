package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Values that go to the device ahead of the run that needs them, on a thread of their own. */
class GpuWriteAheadTest {
  private static final int SIZE = 1000;

  private final TornadoVmDevice device = TornadoVm.open();
  private final Engine engine = Engine.on(device);
  private final Tensor numbers = engine.allocate("inputs", DType.F32, Shape.of(SIZE));
  private final Tensor words = engine.allocate("inputs", DType.I32, Shape.of(SIZE));
  private final Program sums = program();

  private Program program() {
    return Program.record(engine, () -> List.of(numbers.add(words.to(DType.F32))));
  }

  /** Lets the first plan have room for what goes ahead. */
  @BeforeEach
  void run() {
    begin(0).run();
    assertThat(results()).containsOnly(0);
  }

  @AfterEach
  void close() {
    engine.close();
  }

  /** Begins to set both inputs so that their sum is {@code value}. */
  private Runnable begin(int value) {
    float[] first = new float[SIZE];
    int[] rest = new int[SIZE];
    for (int i = 0; i < SIZE; i++) {
      first[i] = -i;
      rest[i] = i + value;
    }
    return engine.setAhead(
        Map.of(numbers, MemorySegment.ofArray(first), words, MemorySegment.ofArray(rest)));
  }

  private float[] results() {
    sums.run();
    return sums.outputs().getFirst().toFloats();
  }

  @Test
  void whatIsBegunWhileAProgramRunsIsThereInTheNextRun() {
    Runnable next = begin(1);
    for (int i = 1; i <= 100; i++) {
      next.run();
      int following = i + 1;
      CompletableFuture<Runnable> begun = CompletableFuture.supplyAsync(() -> begin(following));
      Traffic before = device.traffic();
      assertThat(results()).containsOnly(i);
      assertThat(device.traffic().since(before)).isEqualTo(new Traffic(0, 0, 2 * SIZE, SIZE));
      next = begun.join();
    }
  }

  @Test
  void whatIsBegunBeforeTheLastOneWasMovedGoesAheadToo() {
    begin(1).run();
    Runnable next = begin(2);
    assertThat(results()).containsOnly(1);
    next.run();
    Traffic before = device.traffic();
    assertThat(results()).containsOnly(2);
    assertThat(device.traffic().since(before)).isEqualTo(new Traffic(0, 0, 2 * SIZE, SIZE));
  }

  @Test
  void whatIsNotSetIsNotSeenAndKeepsNothingBack() {
    Runnable late = begin(1);
    assertThat(results()).containsOnly(0);
    begin(2).run();
    assertThat(results()).containsOnly(2);
    late.run();
    assertThat(results()).containsOnly(1);
  }

  @Test
  void theLastOneThatSetsWins() {
    float[] zeros = new float[SIZE];
    Runnable ahead = begin(1);
    words.set(new int[SIZE]);
    numbers.set(zeros);
    ahead.run();
    assertThat(results()).containsOnly(1);
    begin(2).run();
    words.set(new int[SIZE]);
    numbers.set(zeros);
    assertThat(results()).containsOnly(0);
    begin(3).run();
    begin(4).run();
    assertThat(results()).containsOnly(4);
  }

  @Test
  void aNewPlanTakesWhatWasSet() {
    begin(1).run();
    Runnable later = begin(2);
    try (Program another = program()) {
      another.run();
      assertThat(another.outputs().getFirst().toFloats()).containsOnly(1);
      later.run();
      another.run();
      assertThat(another.outputs().getFirst().toFloats()).containsOnly(2);
    }
    assertThat(results()).containsOnly(2);
  }

  @Test
  void moreThanThereIsRoomForGoesAsAnyOtherWrite() {
    try (Program another = Program.record(engine, () -> List.of(numbers.narrow(0, 0, 1).mul(3)));
        Tensor large = engine.allocate("inputs", DType.F32, Shape.of(2 * SIZE))) {
      another.run();
      engine.setAhead(Map.of(large, MemorySegment.ofArray(new float[2 * SIZE]))).run();
      Traffic before = device.traffic();
      assertThat(results()).containsOnly(0);
      assertThat(device.traffic().since(before)).isEqualTo(new Traffic(0, 2 * SIZE, 0, SIZE));
    }
  }
}

package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.CpuDevice;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Storage;
import org.freetransformer.tensor.ops.DropoutOp;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProgramTest {
  private final Engine engine = Engine.on(Devices.scalar());

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  /** A device that has no room for kernels once it is full. */
  private static final class FullDevice extends CpuDevice {
    private final Device right = Devices.scalar();
    private boolean full;

    @Override
    public String name() {
      return "full";
    }

    @Override
    public String description() {
      return "has no room for kernels";
    }

    @Override
    public Kernel prepare(Instruction instruction) {
      if (full) {
        throw new OutOfMemoryError("no room for a kernel");
      }
      return right.prepare(instruction);
    }
  }

  @Test
  void whatCannotBeMadeReadyTakesNoMemory() {
    FullDevice device = new FullDevice();
    try (Engine other = Engine.on(device)) {
      Tensor x = other.ones(3);
      long before = device.memory().liveBytes();
      device.full = true;
      assertThatThrownBy(() -> Program.record(other, () -> List.of(x.add(1).exp())))
          .isInstanceOf(OutOfMemoryError.class);
      assertThatThrownBy(() -> other.allocate("parameters", DType.F32, Shape.of(3)))
          .isInstanceOf(OutOfMemoryError.class);
      assertThat(device.memory().liveBytes()).isEqualTo(before);
    }
  }

  @Test
  void aLeafLosesTheGradientOfAProgramThatCameToNothing() {
    FullDevice device = new FullDevice();
    try (Engine other = Engine.on(device)) {
      Tensor x = other.tensor(new float[] {2}, 1).requireGrad();
      Supplier<List<Tensor>> step =
          () -> {
            Tensor loss = x.square().sum();
            loss.backward();
            return List.of(loss);
          };
      Supplier<List<Tensor>> failing =
          () -> {
            assertThat(step.get()).isNotEmpty();
            throw new IllegalStateException("in the body");
          };
      long before = device.memory().liveBytes();
      assertThatThrownBy(() -> Program.record(other, failing)).hasMessage("in the body");
      assertThat(x.grad()).isNull();
      assertThat(device.memory().liveBytes()).isEqualTo(before);
      try (Program program = Program.record(other, step)) {
        program.run();
        program.run();
        assertThat(Objects.requireNonNull(x.grad()).toFloats()).containsExactly(4);
        // One that was there before stays.
        assertThatThrownBy(() -> Program.record(other, failing)).hasMessage("in the body");
        assertThat(Objects.requireNonNull(x.grad()).toFloats()).containsExactly(4);
      }
    }
  }

  // ---- Recorded is eager ----

  /** All that a step of the network leaves behind: its results, and every gradient. */
  private static List<float[]> results(List<Tensor> outputs, SmallNetwork network) {
    List<float[]> results = new ArrayList<>();
    outputs.forEach(tensor -> results.add(tensor.toFloats()));
    for (Tensor parameter : network.parameters()) {
      results.add(Objects.requireNonNull(parameter.grad()).toFloats());
    }
    return results;
  }

  @Test
  void aRecordedStepGivesTheSameBitsAsOneThatRunsAtOnce() {
    for (long seed = 0; seed < 12; seed++) {
      SmallNetwork network = new SmallNetwork(engine, seed);
      engine.random().seed(seed);
      try (Program program = Program.record(engine, network::step)) {
        for (int step = 0; step < 3; step++) {
          network.nextTokens();
          engine.random().step(step);
          program.run();
          List<float[]> recorded = results(program.outputs(), network);
          engine.random().step(step);
          try (Scope _ = engine.scope("step")) {
            List<float[]> eager = results(network.step(), network);
            assertThat(recorded.size()).isEqualTo(eager.size());
            for (int i = 0; i < eager.size(); i++) {
              assertThat(recorded.get(i))
                  .as("seed %d, result %d", seed, i)
                  .containsExactly(eager.get(i));
            }
          }
        }
      }
    }
  }

  @Test
  void runsReadWhatTheirInputsHoldThen() {
    Tensor x = engine.tensor(new float[] {1, 2, 3}, 3);
    try (Program program = Program.record(engine, () -> List.of(x.mul(x).add(1)))) {
      Tensor y = program.outputs().getFirst();
      program.run();
      assertThat(y.toFloats()).containsExactly(2, 5, 10);
      x.set(new float[] {0, -1, 10});
      assertThat(y.toFloats()).containsExactly(2, 5, 10);
      program.run();
      assertThat(y.toFloats()).containsExactly(1, 2, 101);
    }
  }

  @Test
  void whatIsSetAheadIsThereOnceItIsSet() {
    Tensor x = engine.tensor(new float[] {1, 2, 3}, 3);
    try (Program program = Program.record(engine, () -> List.of(x.mul(2)))) {
      Runnable set = engine.setAhead(Map.of(x, MemorySegment.ofArray(new float[] {4, 5, 6})));
      program.run();
      assertThat(program.outputs().getFirst().toFloats()).containsExactly(2, 4, 6);
      set.run();
      program.run();
      assertThat(program.outputs().getFirst().toFloats()).containsExactly(8, 10, 12);
    }
    assertThatThrownBy(() -> engine.setAhead(Map.of(x, MemorySegment.ofArray(new float[2]))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("8 bytes cannot be written");
    Tensor odd = x.reshape(3, 1).broadcastTo(3, 2);
    assertThatThrownBy(() -> engine.setAhead(Map.of(odd, MemorySegment.ofArray(new float[6]))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("without gaps");
  }

  @Test
  void everyStepDrawsOtherNumbersAndTheSameStepTheSame() {
    Tensor ones = engine.ones(1000);
    try (Program program = Program.record(engine, () -> List.of(DropoutOp.dropout(ones, 0.5)))) {
      List<float[]> drawn = new ArrayList<>();
      for (int step : new int[] {0, 1, 0}) {
        engine.random().step(step);
        program.run();
        drawn.add(program.outputs().getFirst().toFloats());
      }
      assertThat(drawn.get(1)).isNotEqualTo(drawn.get(0));
      assertThat(drawn.get(2)).containsExactly(drawn.get(0));
    }
  }

  @Test
  void recordingDrawsNothingFromTheStreamOutsideIt() {
    engine.random().seed(3);
    engine.uniform(DType.F32, Shape.of(4), 0, 1);
    float[] second = engine.uniform(DType.F32, Shape.of(4), 0, 1).toFloats();
    engine.random().seed(3);
    engine.uniform(DType.F32, Shape.of(4), 0, 1);
    try (Program _ =
        Program.record(engine, () -> List.of(engine.uniform(DType.F32, Shape.of(4), 0, 1)))) {
      assertThat(engine.uniform(DType.F32, Shape.of(4), 0, 1).toFloats()).containsExactly(second);
    }
  }

  @Test
  void aGradientThatWasThereGrowsAndANewOneIsWrittenAnew() {
    Tensor with = engine.tensor(new float[] {2}, 1).requireGrad();
    with.setGrad(engine.allocate("gradients", DType.F32, Shape.of(1)));
    Tensor without = engine.tensor(new float[] {3}, 1).requireGrad();
    try (Program program =
        Program.record(
            engine,
            () -> {
              Tensor loss = with.mul(without).sum();
              loss.backward();
              return List.of(loss);
            })) {
      program.run();
      program.run();
      assertThat(Objects.requireNonNull(with.grad()).toFloats()).containsExactly(6);
      assertThat(Objects.requireNonNull(without.grad()).toFloats()).containsExactly(2);
    }
  }

  // ---- Memory ----

  @Test
  void outputsSurviveWhatComesAfterThem() {
    Tensor x = engine.tensor(new float[] {1, 2, 3, 4}, 4);
    try (Program program =
        Program.record(
            engine,
            () -> {
              Tensor early = x.add(1);
              Tensor view = x.mul(2).reshape(2, 2).transpose(0, 1);
              Tensor late = early;
              for (int i = 0; i < 20; i++) {
                late = late.mul(1.5).add(view.reshape(4));
              }
              return List.of(early, view, late, x);
            })) {
      program.run();
      assertThat(program.outputs().get(0).toFloats()).containsExactly(2, 3, 4, 5);
      assertThat(program.outputs().get(1).toFloats()).containsExactly(2, 6, 4, 8);
      assertThat(program.outputs().get(3).toFloats()).containsExactly(1, 2, 3, 4);
    }
  }

  @Test
  void theArenaIsMuchSmallerThanAllThatIsStoredInIt() {
    SmallNetwork network = new SmallNetwork(engine, 5);
    try (Program program = Program.record(engine, network::step)) {
      Set<Storage> external = Collections.newSetFromMap(new IdentityHashMap<>());
      external.add(network.tokens.buffer().storage());
      network.parameters().forEach(p -> external.add(p.buffer().storage()));
      network
          .parameters()
          .forEach(p -> external.add(Objects.requireNonNull(p.grad()).buffer().storage()));
      Set<Storage> all = Collections.newSetFromMap(new IdentityHashMap<>());
      program.instructions().stream()
          .flatMap(instruction -> instruction.writes().stream())
          .map(Buffer::storage)
          .filter(storage -> !external.contains(storage))
          .forEach(all::add);
      long sum = all.stream().mapToLong(Storage::bytes).sum();
      assertThat(all).hasSizeGreaterThan(50);
      assertThat(program.arenaBytes()).isLessThan(sum / 2);
    }
  }

  @Test
  void runsTakeNoMemory() {
    SmallNetwork network = new SmallNetwork(engine, 1);
    try (Program program = Program.record(engine, network::step)) {
      program.run();
      long live = engine.device().memory().liveBytes();
      long peak = engine.device().memory().peakBytes();
      for (int i = 0; i < 200; i++) {
        engine.random().step(i);
        program.run();
      }
      assertThat(engine.device().memory().liveBytes()).isEqualTo(live);
      assertThat(engine.device().memory().peakBytes()).isEqualTo(peak);
    }
  }

  @Test
  void closingGivesTheArenaBack() {
    Tensor x = engine.zeros(100);
    long before = engine.device().memory().liveBytes();
    Program program = Program.record(engine, () -> List.of(x.add(1).sum()));
    assertThat(engine.device().memory().liveBytes()).isEqualTo(before + program.arenaBytes());
    Tensor y = program.outputs().getFirst();
    program.close();
    program.close();
    assertThat(engine.device().memory().liveBytes()).isEqualTo(before);
    assertThatThrownBy(program::run)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(y::toFloats)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("use after free");
  }

  @Test
  void aTensorThatTheProgramNeedsMustBeOpen() {
    Tensor x = engine.zeros(3);
    try (Program program = Program.record(engine, () -> List.of(x.add(1)))) {
      program.run();
      x.close();
      assertThatThrownBy(program::run)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("use after free: f32[3] of 'engine' (12 bytes)");
    }
    long before = engine.device().memory().liveBytes();
    assertThatThrownBy(() -> Program.record(engine, () -> List.of(x.add(1))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("use after free");
    assertThat(engine.device().memory().liveBytes()).isEqualTo(before);
  }

  @Test
  void anIntermediateTensorIsGone() {
    Tensor x = engine.ones(3);
    List<Tensor> captured = new ArrayList<>();
    try (Program program =
        Program.record(
            engine,
            () -> {
              captured.add(x.add(1));
              return List.of(captured.getFirst().mul(2).add(5));
            })) {
      program.run();
      assertThatThrownBy(() -> captured.getFirst().toFloats())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("recorded body returns");
      assertThatThrownBy(() -> captured.getFirst().add(1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("recorded body returns");
    }
  }

  // ---- Misuse ----

  @Test
  void aBodyDoesNotCloseWhatItMakes() {
    Tensor x = engine.ones(3);
    assertThatThrownBy(() ->
            Program.record(
                engine,
                () -> {
                  Tensor y = x.add(1);
                  Tensor z = y.mul(2);
                  y.close();
                  return List.of(z);
                }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the recorded body closed this tensor");
  }

  @Test
  void whatNothingWroteCannotBeReadOrReturned() {
    assertThatThrownBy(() ->
            Program.record(engine, () -> List.of(engine.empty(DType.F32, Shape.of(3)).add(1))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("instruction 0 reads memory that nothing wrote before")
        .hasMessageContaining("Affine");
    assertThatThrownBy(
            () -> Program.record(engine, () -> List.of(engine.empty(DType.F32, Shape.of(3)))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no instruction writes output 0, f32[3]");
    Tensor x = engine.ones(3);
    assertThatThrownBy(() ->
            Program.record(
                engine, () -> List.of(x, x.add(1), engine.empty(DType.F32, Shape.of(2, 4)))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no instruction writes output 2, f32[2,4]");
  }

  @Test
  void theHostStaysOutsideOfARecording() {
    Tensor x = engine.ones(3);
    List<Runnable> attempts =
        List.of(
            () -> x.toFloats(),
            () -> x.add(1).toDoubles(),
            () -> x.sum().item(),
            () -> x.set(new float[3]),
            () -> engine.setAhead(Map.of(x, MemorySegment.ofArray(new float[3]))).run(),
            () -> engine.tensor(new float[1], 1),
            () -> engine.random().step(3),
            () -> engine.random().seed(3));
    for (Runnable attempt : attempts) {
      assertThatThrownBy(() ->
              Program.record(
                  engine,
                  () -> {
                    attempt.run();
                    return List.of();
                  }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("a program is being recorded");
      assertThat(engine.isRecording()).isFalse();
    }
    assertThat(x.toFloats()).containsExactly(1, 1, 1);
  }

  @Test
  void recordingsDoNotNest() {
    Tensor x = engine.ones(3);
    assertThatThrownBy(() ->
            Program.record(engine, () -> Program.record(engine, () -> List.of(x.add(1))).outputs()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("do not nest");
    try (Program inner = Program.record(engine, () -> List.of(x.add(1)))) {
      assertThatThrownBy(() ->
              Program.record(
                  engine,
                  () -> {
                    inner.run();
                    return List.of();
                  }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("cannot become part of it");
    }
  }

  @Test
  void aBodyThatFailsLeavesTheEngineAsItWas() {
    Tensor x = engine.ones(3);
    long before = engine.device().memory().liveBytes();
    assertThatThrownBy(() -> Program.record(engine, () -> List.of(x.add(engine.ones(2)))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(engine.isRecording()).isFalse();
    assertThat(engine.device().memory().liveBytes()).isEqualTo(before);
    assertThat(x.add(1).toFloats()).containsExactly(2, 2, 2);
  }

  // ---- For readers ----

  @Test
  void theListingHasALineForEachInstruction() {
    Tensor x = engine.ones(2, 3);
    Tensor w = engine.ones(3, 4);
    try (Program program = Program.record(engine, () -> List.of(x.matmul(w).exp()))) {
      assertThat(program.listing().lines())
          .containsExactly(
              "    #  instruction                     FLOPs  operands",
              "    0  MatMul                             48  f32[2,3] f32[3,4] -> f32[2,4]",
              "    1  Unary                               8  f32[2,4] -> f32[2,4]");
      assertThat(program.cost().flops()).isEqualTo(56);
      assertThat(program.cost().bytes()).isEqualTo(4 * (6 + 12 + 8 + 8 + 8));
    }
  }
}

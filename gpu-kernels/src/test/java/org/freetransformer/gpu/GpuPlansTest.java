package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Storage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Programs that come and go while others stay on the device. */
class GpuPlansTest {
  private static final int SIZE = 1000;

  private final TornadoVmDevice device = TornadoVm.open();
  private final Engine engine = Engine.on(device);
  private final Tensor x = engine.allocate("inputs", DType.F32, Shape.of(SIZE));
  private final Program twice = program(input -> input.mul(2));

  private Program program(UnaryOperator<Tensor> body) {
    return Program.record(engine, () -> List.of(body.apply(x)));
  }

  @BeforeEach
  void runOne() {
    set(3);
    twice.run();
  }

  @AfterEach
  void close() {
    engine.close();
  }

  private void set(float value) {
    float[] values = new float[SIZE];
    Arrays.fill(values, value);
    x.set(values);
  }

  private static float[] results(Program program) {
    return program.outputs().getFirst().toFloats();
  }

  @Test
  void resultsOfClosedProgramsAreForgotten() {
    for (int i = 0; i < 3; i++) {
      try (Program more = program(input -> input.add(1))) {
        more.run();
      }
    }
    assertThat(results(twice)).containsOnly(6);
    try (Program another = program(input -> input.add(2))) {
      another.run();
      assertThat(device.newerOnDevice).hasSize(1).allMatch(Storage::isAlive);
    }
  }

  @Test
  void aNewPlanMovesNothingThatIsOnTheDevice() {
    Program more = program(input -> input.add(1));
    Traffic before = device.traffic();
    more.run();
    assertThat(device.traffic().since(before)).isEqualTo(new Traffic(1, 0, 0, 0));
    assertThat(results(twice)).containsOnly(6);
    assertThat(results(more)).containsOnly(4);
    set(5);
    twice.run();
    more.run();
    assertThat(results(twice)).containsOnly(10);
    assertThat(results(more)).containsOnly(6);
    assertThat(device.traffic().since(before)).isEqualTo(new Traffic(1, SIZE, 0, 4 * SIZE));
  }

  /** What its body returned is closed, not the program: there is nobody to see what it computes. */
  @Test
  void aProgramWithoutItsResultIsNotRunAsAnother() {
    List<Tensor> returned = new ArrayList<>();
    Program forgotten =
        program(input -> {
          returned.add(input.add(1));
          return returned.getFirst();
        });
    forgotten.run();
    returned.getFirst().close();
    Program more = program(input -> input.add(2));
    more.run();
    set(10);
    assertThatThrownBy(forgotten::run)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("use after free: a result of this program was closed");
    assertThat(results(more)).as("not run in its place").containsOnly(5);
  }

  /** Some of the new plans have graphs of their own: too many of the others are not needed. */
  @Test
  void oneStaysWhileOthersComeAndGo() {
    for (int i = 1; i <= 12; i++) {
      int term = i;
      try (Program passing = program(input -> input.add(term))) {
        set(i);
        twice.run();
        passing.run();
        assertThat(results(passing)).containsOnly(2 * i);
        assertThat(results(twice)).containsOnly(2 * i);
      }
    }
    assertThat(device.traffic().plans()).isEqualTo(13);
  }

  /** All kernels take the heap of 16-bit numbers, and that is made with the first of them. */
  @Test
  void sixteenBitsMayComeLater() {
    Program rounded = program(input -> input.mul(1 / 3f).to(DType.F16).to(DType.F32));
    rounded.run();
    assertThat(results(rounded)).containsOnly(1);
    assertThat(results(twice)).containsOnly(6);
    set(6);
    twice.run();
    rounded.run();
    assertThat(results(rounded)).containsOnly(2);
    assertThat(results(twice)).containsOnly(12);
  }
}

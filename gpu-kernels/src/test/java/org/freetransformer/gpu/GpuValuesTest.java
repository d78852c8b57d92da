package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.ops.CrossEntropyOp;
import org.junit.jupiter.api.Test;

/** Values at which random operands, such as the parity suite's, show little. */
class GpuValuesTest {
  /** What a program gives; {@code setting} makes its inputs, and what it records. */
  private static float[] result(Device device, Function<Engine, Supplier<Tensor>> setting) {
    try (Engine engine = Engine.on(device)) {
      Supplier<Tensor> body = setting.apply(engine);
      try (Program program = Program.record(engine, () -> List.of(body.get()))) {
        program.run();
        return program.outputs().getFirst().toFloats();
      }
    }
  }

  /** Demands that each number is as exact as f32 is, however small. */
  private static void requireClose(Function<Engine, Supplier<Tensor>> setting, double relative) {
    float[] expected = result(Devices.scalar(), setting);
    float[] actual = result(TornadoVm.open(), setting);
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(expected[i]).isNotZero();
      assertThat((double) actual[i] / expected[i])
          .as("number %d", i)
          .isCloseTo(1, within(relative));
    }
  }

  @Test
  void whatIsNoNumberStaysNone() {
    assumeFalse(TornadoVm.isReal(), "a device's fast mathematics need not know NaN");
    Function<Engine, Supplier<Tensor>> setting =
        engine -> {
          Tensor x = engine.tensor(new float[] {Float.NaN, 1, Float.NaN, -2, 5, 6}, 6);
          Tensor y = engine.tensor(new float[] {1, Float.NaN, Float.NaN, 3, 4, 7}, 6);
          return () ->
              Tensor.concat(
                  0,
                  List.of(
                      x.maximum(y),
                      x.minimum(y),
                      x.relu(),
                      x.reshape(3, 2).max(1),
                      y.reshape(3, 2).max(1)));
        };
    assertThat(result(TornadoVm.open(), setting)).isEqualTo(result(Devices.scalar(), setting));
  }

  /** A bit whose logit is 20 is set with a probability that f32 rounds to 1. */
  private static Supplier<Tensor> mapper(Engine engine, boolean full) {
    Tensor logits =
        engine.tensor(
            new float[] {20, -20, 0.5f, 20, -20, -1, 20, -20, 20, 2, -20, 20, 1, -20, 19, -19},
            2,
            8);
    Tensor plans = engine.tensor(new int[] {0b01001001, 0b01011001}, 2);
    Tensor dr = engine.uniform(DType.F32, Shape.of(2, 3), 0.5, 1);
    Tensor table = engine.uniform(DType.F32, Shape.of(1 << 8, 3), 0.5, 1);
    return () -> {
      Tensor gradient = engine.empty(DType.F32, logits.shape());
      engine.emit(
          new Instruction.BinaryMapperBackward(
              logits.buffer(),
              plans.buffer(),
              dr.buffer(),
              table.buffer(),
              full,
              Output.to(gradient.buffer())));
      return gradient;
    };
  }

  @Test
  void theGradientOfABitThatIsAlmostSureIsExact() {
    requireClose(engine -> mapper(engine, true), 1e-3);
    requireClose(engine -> mapper(engine, false), 1e-4);
  }

  @Test
  void momentsWithABetaNearOneAreExact() {
    requireClose(
        engine -> {
          Tensor parameter = engine.ones(3);
          Tensor gradient = engine.tensor(new float[] {1, 2, -3}, 3);
          Tensor first = engine.zeros(3);
          Tensor second = engine.zeros(3);
          Tensor schedule = engine.tensor(new float[] {0.1f, 0.1f, 1e-5f}, 3);
          Tensor scale = engine.ones(1);
          return () -> {
            engine.emit(
                new Instruction.AdamW(
                    parameter.buffer(),
                    gradient.buffer(),
                    first.buffer(),
                    second.buffer(),
                    schedule.buffer(),
                    scale.buffer(),
                    0.9,
                    0.99999,
                    1e-8,
                    0));
            return Tensor.concat(0, List.of(first, second, parameter));
          };
        },
        1e-5);
  }

  @Test
  void aTargetThatIsNoClassGivesALossThatIsNotTaken() {
    float[] losses =
        result(
            TornadoVm.open(),
            engine -> {
              Tensor logits = engine.zeros(4, 5);
              Tensor targets = engine.tensor(new int[] {2, 5, -1, -100}, 4);
              return () -> CrossEntropyOp.crossEntropy(logits, targets, -100);
            });
    assertThat(losses[0]).isCloseTo((float) Math.log(5), within(1e-6f));
    assertThat(losses[1]).isInfinite();
    assertThat(losses[2]).isInfinite();
    assertThat(losses[3]).isZero();
  }
}

package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.freetransformer.data.Dataset;
import org.freetransformer.nn.optim.LossScaler;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.StepMetrics;
import org.freetransformer.train.Trainer;
import org.junit.jupiter.api.Test;

/** What is too large for fp16 is noticed on the GPU device as on the CPU, and the step skipped. */
class GpuOverflowTest {
  private static final int STEPS = 6;

  /** A step, and the weights after it. */
  @SuppressWarnings("ArrayRecordComponent") // For its numbers; equality means nothing.
  private record Step(StepMetrics metrics, float[] weights, Traffic traffic) {
    LossScaler.State scaling() {
      return Objects.requireNonNull(metrics.scaling());
    }
  }

  /**
   * Trains with a divergence that weighs so much that its gradient fits at a smaller scale only.
   */
  private static List<Step> train(Device device) {
    RunConfig config =
        GpuTrainingTest.config(training ->
            training.precision(Precision.FP16).betaKl(1.5e5).kappaFreeBits(0).maxSteps(STEPS + 1));
    List<Step> steps = new ArrayList<>();
    try (Engine engine = Engine.on(device);
        Trainer trainer = new Trainer(engine, config, Dataset.open(config.data(), _ -> {}))) {
      for (int i = 0; i < STEPS; i++) {
        Traffic before = traffic(device);
        StepMetrics metrics = trainer.next();
        Traffic moved = traffic(device).since(before);
        steps.add(new Step(metrics, weights(trainer), moved));
      }
    }
    return steps;
  }

  private static Traffic traffic(Device device) {
    return device instanceof TornadoVmDevice gpu ? gpu.traffic() : Traffic.NONE;
  }

  private static float[] weights(Trainer trainer) {
    List<float[]> all =
        trainer.model().parameters().values().stream().map(p -> p.value().toFloats()).toList();
    FloatBuffer flat = FloatBuffer.allocate(all.stream().mapToInt(values -> values.length).sum());
    all.forEach(flat::put);
    return flat.array();
  }

  @Test
  void theSameStepsAreSkipped() {
    List<Step> expected = train(Devices.cpu(1));
    List<Step> actual = train(TornadoVm.open());
    long skipped = expected.getLast().scaling().skippedSteps();
    assertThat(skipped).as("some steps are skipped, some are not").isBetween(2L, STEPS - 2L);
    float[] before = {};
    for (int i = 0; i < STEPS; i++) {
      Step known = expected.get(i);
      Step step = actual.get(i);
      assertThat(step.scaling()).as("after step %d", i + 1).isEqualTo(known.scaling());
      assertThat(step.metrics().loss() / known.metrics().loss()).isCloseTo(1, within(1e-3));
      assertThat(step.weights()).containsExactly(known.weights(), within(1e-5f));
      if (i > 0 && i < skipped) {
        assertThat(step.weights()).as("of skipped step %d", i + 1).containsExactly(before);
      }
      before = step.weights();
    }
    Traffic taken = actual.getLast().traffic();
    for (Step step : actual.subList(1, (int) skipped)) {
      assertThat(step.traffic().wordsToHost())
          .as("words to the host in a skipped step")
          .isEqualTo(taken.wordsToHost());
      assertThat(step.traffic().wordsToDevice())
          .as("words that a skipped step waits for")
          .isLessThanOrEqualTo(taken.wordsToDevice());
    }
  }

  @Test
  void whatDoesNotFitIsNotANumberAfterwards() {
    float[] numbers = {
      65504,
      65519,
      65520,
      -65520,
      1e6f,
      -3e38f,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN,
      1e-8f,
      0,
      -65504
    };
    float[] expected = throughHalves(Devices.cpu(1), numbers);
    float[] actual = throughHalves(TornadoVm.open(), numbers);
    for (int i = 0; i < numbers.length; i++) {
      if (Float.isFinite(expected[i])) {
        assertThat(actual[i]).as("%s", numbers[i]).isEqualTo(expected[i]);
      } else {
        assertThat(Float.isFinite(actual[i])).as("%s: %s", numbers[i], actual[i]).isFalse();
      }
    }
  }

  /** Numbers as fp16 has them. */
  private static float[] throughHalves(Device device, float... numbers) {
    try (Engine engine = Engine.on(device)) {
      Tensor x = engine.allocate("x", DType.F32, Shape.of(numbers.length));
      x.set(numbers);
      try (Program program = Program.record(engine, () -> List.of(x.to(DType.F16).to(DType.F32)))) {
        program.run();
        return program.outputs().getFirst().toFloats();
      } finally {
        x.close();
      }
    }
  }
}

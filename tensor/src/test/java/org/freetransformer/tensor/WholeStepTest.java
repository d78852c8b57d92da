package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;

/** A whole training step, with all that is between operations, on one device and on another. */
class WholeStepTest {
  private static final int SEEDS = 8;

  /** Loss, logits, plan, divergence and all gradients of two steps, the second one recorded. */
  private static List<float[]> steps(Device device, long seed) {
    List<float[]> results = new ArrayList<>();
    try (Engine engine = Engine.on(device)) {
      SmallNetwork network = new SmallNetwork(engine, seed);
      engine.random().seed(seed);
      try (Scope _ = engine.scope("step")) {
        collect(network, network.step(), results);
      }
      network.nextTokens();
      engine.random().step(1);
      try (Program program = Program.record(engine, network::step)) {
        program.run();
        collect(network, program.outputs(), results);
      }
    }
    return results;
  }

  private static void collect(SmallNetwork network, List<Tensor> outputs, List<float[]> results) {
    outputs.forEach(output -> results.add(output.toFloats()));
    for (Tensor parameter : network.parameters()) {
      results.add(Objects.requireNonNull(parameter.grad()).toFloats());
    }
  }

  @Test
  void theFastDeviceGivesTheNumbersOfThePlainLoops() {
    for (long seed = 0; seed < SEEDS; seed++) {
      List<float[]> plain = steps(Devices.scalar(), seed);
      List<float[]> fast = steps(Devices.cpu(2), seed);
      assertThat(fast).hasSameSizeAs(plain);
      for (int i = 0; i < plain.size(); i++) {
        assertClose(fast.get(i), plain.get(i), "seed %d, result %d".formatted(seed, i));
      }
    }
  }

  private static void assertClose(float[] actual, float[] expected, String what) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertThat(Math.abs(actual[i] - expected[i]))
          .as("%s, element %d: %s, not %s", what, i, actual[i], expected[i])
          .isLessThanOrEqualTo(1e-5f + 1e-4f * largest);
    }
  }

  @Test
  void theSameBitsWhateverTheThreads() {
    for (long seed = 0; seed < SEEDS; seed++) {
      List<float[]> one = steps(Devices.cpu(1), seed);
      List<float[]> three = steps(Devices.cpu(3), seed);
      for (int i = 0; i < one.size(); i++) {
        assertThat(three.get(i)).as("seed %d, result %d", seed, i).containsExactly(one.get(i));
      }
    }
  }
}

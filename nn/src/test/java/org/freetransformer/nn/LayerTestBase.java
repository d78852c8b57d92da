package org.freetransformer.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;

/** An engine on the plain device, random inputs, and a look at what was left behind. */
abstract class LayerTestBase {
  final Engine engine = Engine.on(Devices.scalar());
  final Random random = new Random(42);

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  /** A constant with normal elements. */
  final Tensor normal(int... dims) {
    int size = Arrays.stream(dims).reduce(1, Math::multiplyExact);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return engine.tensor(values, dims);
  }

  /** Positions 0 to {@code length} − 1. */
  final Tensor positions(int length) {
    int[] places = new int[length];
    Arrays.setAll(places, t -> t);
    return engine.tensor(places, length);
  }

  /** New weights large enough for every part of a layer to matter. */
  final void scramble(Module module) {
    module
        .parameters()
        .values()
        .forEach(parameter -> parameter.value().set(smallNormals(parameter.size())));
  }

  private float[] smallNormals(long size) {
    float[] values = new float[Math.toIntExact(size)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.3 * random.nextGaussian());
    }
    return values;
  }

  static Parameter parameter(Module module, String name) {
    return Objects.requireNonNull(module.parameters().get(name), name);
  }

  static double[] weights(Module module, String name) {
    return parameter(module, name).value().toDoubles();
  }

  static Tensor gradient(Tensor leaf) {
    return Objects.requireNonNull(leaf.grad());
  }

  /** Largest difference between two tensors' elements. */
  static double distance(double[] a, double[] b) {
    assertThat(a).hasSameSizeAs(b);
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i] - b[i]));
    }
    return largest;
  }
}

package org.freetransformer.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class ModuleTest extends LayerTestBase {
  private final class Pair extends Module {
    Pair(String first, String second) {
      child(first, new Linear(engine, 3, 2));
      child(second, new Linear(engine, 2, 5));
    }
  }

  @Test
  void namesCountsAndFreesWhatItHolds() {
    long before = engine.device().memory().liveBytes();
    Pair pair = new Pair("a", "b");
    assertThat(pair.parameters().keySet()).containsExactly("a.weight", "b.weight");
    assertThat(pair.parameterCount()).isEqualTo(3 * 2 + 2 * 5);
    pair.close();
    assertThat(engine.device().memory().liveBytes()).isEqualTo(before);
  }

  @Test
  void refusesTwoPartsOfOneName() {
    assertThatThrownBy(() -> new Pair("a", "a"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'a'");
  }

  @Test
  void refusesTwoParametersOfOneFullName() {
    Module outer = new Module() {};
    outer.parameter("a.weight", Parameter.scale(engine, 2));
    outer.child("a", new Linear(engine, 1, 1));
    assertThatThrownBy(outer::parameters)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("'a.weight'");
    outer.close();
  }

  @Test
  void drawsWeightsAroundZeroAndSetsScalesToOne() {
    Parameter weight = Parameter.weight(engine, 64, 64);
    double[] values = weight.value().toDoubles();
    double mean = 0;
    double squares = 0;
    for (double value : values) {
      mean += value / values.length;
      squares += value * value / values.length;
    }
    assertThat(Math.abs(mean)).isLessThan(4 * 0.02 / Math.sqrt(values.length));
    assertThat(Math.sqrt(squares)).isBetween(0.019, 0.021);
    assertThat(distance(values, Parameter.weight(engine, 64, 64).value().toDoubles()))
        .as("another weight")
        .isGreaterThan(0.01);
    assertThat(Parameter.scale(engine, 5).value().toDoubles()).containsOnly(1);
    assertThat(Parameter.zeros(engine, false, 2, 3).value().toDoubles()).containsOnly(0);
  }

  @Test
  void decaysMatricesButNeitherScalesNorTheEncodersQuery() {
    assertThat(Parameter.weight(engine, 2, 2).isDecayed()).isTrue();
    assertThat(Parameter.zeros(engine, true, 2, 2).isDecayed()).isTrue();
    assertThat(Parameter.scale(engine, 2).isDecayed()).isFalse();
    assertThat(Parameter.vector(engine, 2).isDecayed()).isFalse();
  }
}

package org.freetransformer.nn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.freetransformer.nn.optim.LossScaler.Config;
import org.freetransformer.nn.optim.LossScaler.State;
import org.junit.jupiter.api.Test;

class LossScalerTest {
  @Test
  void doublesAfterManyGoodStepsAndHalvesAtAnOverflow() {
    LossScaler scaler = new LossScaler(new Config(8, 3));
    assertThat(scaler.accept(true)).isTrue();
    assertThat(scaler.accept(true)).isTrue();
    assertThat(scaler.state()).isEqualTo(new State(8, 2, 0));
    assertThat(scaler.accept(true)).isTrue();
    assertThat(scaler.state()).isEqualTo(new State(16, 0, 0));
    assertThat(scaler.accept(true)).isTrue();
    assertThat(scaler.accept(false)).isFalse();
    assertThat(scaler.state()).isEqualTo(new State(8, 0, 1));
    assertThat(scaler.accept(false)).isFalse();
    assertThat(scaler.state()).isEqualTo(new State(4, 0, 2));
  }

  @Test
  void goesOnWhereItWasSaved() {
    LossScaler first = new LossScaler(new Config(64, 2));
    LossScaler second = new LossScaler(new Config(64, 2));
    first.accept(true);
    second.restore(first.state());
    for (boolean finite : new boolean[] {true, false, true, true, true}) {
      assertThat(second.accept(finite)).isEqualTo(first.accept(finite));
      assertThat(second.state()).isEqualTo(first.state());
    }
  }

  @Test
  void staysWithinItsRange() {
    LossScaler large = new LossScaler(new Config(LossScaler.LARGEST, 1));
    large.accept(true);
    assertThat(large.state().scale()).isEqualTo(LossScaler.LARGEST);
  }

  /** An overflow without a scale is the model's, and skipping steps would hide it for ever. */
  @Test
  void anOverflowAtTheSmallestScaleIsNoGoodStep() {
    LossScaler scaler = new LossScaler(new Config(LossScaler.SMALLEST, 2));
    scaler.accept(true);
    State before = scaler.state();
    assertThat(scaler.accept(false)).isTrue();
    assertThat(scaler.state()).isEqualTo(before);
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Config(3, 1))
        .withMessageContaining("powers of two from 1");
    assertThatIllegalArgumentException().isThrownBy(() -> new Config(0x1p25, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> new Config(8, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> new State(Double.NaN, 0, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> new State(2, -1, 0));
  }
}

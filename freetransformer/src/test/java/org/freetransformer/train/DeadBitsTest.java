package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class DeadBitsTest {
  /** As under fp16 at the beginning, where the loss scale is still sought. */
  @Test
  void aStepThatOverflowedDoesNotHideADeadBit() {
    try (Engine engine = Engine.on(Devices.scalar());
        FreeTransformer model =
            (FreeTransformer)
                SmallModels.scrambled(engine, SmallModels.config(ModelConfig.Kind.FREE).build())) {
      Replica replica = Replica.whole(model);
      double[] kl = new double[model.config().latentDim()];
      try (AdamW optimizer = TrainingConfig.builder().build().optimizer(replica);
          DeadBits bits = new DeadBits(model, replica, optimizer, 3, 0.5)) {
        Arrays.fill(kl, 1);
        kl[1] = 0;
        assertThat(bits.after(1, kl)).isEmpty();
        double[] overflow = new double[kl.length];
        Arrays.fill(overflow, Double.NaN);
        assertThat(bits.after(2, overflow)).isEmpty();
        assertThat(bits.after(3, kl)).containsExactly(1);
      }
    }
  }

  /** Such as an encoder that is kept while the decoder learns: nothing may change it. */
  @ParameterizedTest
  @FieldSource("org.freetransformer.model.FreeTransformer#REDRAWN")
  void whatIsFrozenIsNotDrawnAnew(String frozen) {
    try (Engine engine = Engine.on(Devices.scalar());
        FreeTransformer model =
            (FreeTransformer)
                SmallModels.scrambled(engine, SmallModels.config(ModelConfig.Kind.FREE).build())) {
      SmallModels.parameter(model, frozen).freeze();
      Replica replica = Replica.whole(model);
      try (AdamW optimizer = TrainingConfig.builder().build().optimizer(replica)) {
        long before = engine.device().memory().liveBytes();
        assertThatThrownBy(() -> new DeadBits(model, replica, optimizer, 2, 1))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith(frozen + " is frozen");
        assertThat(engine.device().memory().liveBytes()).isEqualTo(before);
      }
    }
  }
}

package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.data.DataConfig;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.run.RankPlan;
import org.freetransformer.run.RunPlan;
import org.freetransformer.run.Units;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.ShardingConfig;
import org.freetransformer.train.TrainingConfig;
import org.junit.jupiter.api.Test;

class DeviceMemoryTest {
  private static RunConfig run(Strategy strategy, boolean offload) {
    ModelConfig model =
        ModelConfig.builder().vocabSize(29).hiddenDim(64).numLayers(4).maxSeqLen(66).build();
    ShardingConfig how =
        new ShardingConfig(true, strategy, 0, ShardingConfig.Exchange.FP32, true, 1, offload);
    TrainingConfig training =
        TrainingConfig.builder().batchSize(1).gradientAccumulationSteps(2).sharding(how).build();
    return new RunConfig(model, training, DataConfig.planLetters(1));
  }

  private static String explained(RunConfig run, int ranks) {
    OutOfMemoryError full = new OutOfMemoryError("the heap is full");
    OutOfMemoryError error = DeviceMemory.explained(full, run, ranks);
    assertThat(error).hasCause(full);
    return String.valueOf(error.getMessage());
  }

  @Test
  void tellsWhatTheRunTakesWithAndWithoutOffloading() {
    RunConfig plain = run(Strategy.FULL_SHARD, false);
    RunConfig offloading = run(Strategy.FULL_SHARD, true);
    long before = RunPlan.of(plain).stepBytes();
    long after = RankPlan.of(offloading, 1).totalBytes();
    assertThat(after).isLessThan(before);
    assertThat(explained(plain, 1))
        .isEqualTo(
            "the heap is full; training steps take %s there, or %s with"
                    .formatted(Units.bytes(before), Units.bytes(after))
                + " training.fsdp_config.cpu_offload=true");
    assertThat(explained(plain, 2))
        .contains(
            Units.bytes(RankPlan.of(plain, 2).totalBytes()),
            Units.bytes(RankPlan.of(offloading, 2).totalBytes()));
  }

  @Test
  void namesOnlyWhatIsLeftToTry() {
    assertThat(explained(run(Strategy.FULL_SHARD, true), 1)).doesNotContain(" or ");
    assertThat(explained(run(Strategy.NO_SHARD, false), 1)).doesNotContain(" or ");
  }
}

package org.freetransformer.cli;

import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.run.RankPlan;
import org.freetransformer.run.RunPlan;
import org.freetransformer.run.Units;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.ShardingConfig;
import org.freetransformer.train.TrainingConfig;

/** What training takes of a device that has memory of its own, for who finds that too little. */
final class DeviceMemory {
  private static final String OFFLOAD = "training.fsdp_config.cpu_offload=true";

  private DeviceMemory() {}

  /**
   * Tells with an error what the run takes, and what it would take with less on the device.
   *
   * @param error of a device that was to be made ready for a training step
   * @param ranks that train together, each on a device of its own
   */
  static OutOfMemoryError explained(OutOfMemoryError error, RunConfig run, int ranks) {
    StringBuilder text = new StringBuilder();
    text.append(error.getMessage())
        .append("; training steps take ")
        .append(Units.bytes(bytes(run, ranks)))
        .append(" there");
    ShardingConfig how = run.training().sharding();
    if (!how.cpuOffload() && how.enabled() && how.strategy() != Strategy.NO_SHARD) {
      text.append(", or ").append(Units.bytes(bytes(offloaded(run), ranks)));
      text.append(" with ").append(OFFLOAD);
    }
    OutOfMemoryError explained = new OutOfMemoryError(text.toString());
    explained.initCause(error);
    return explained;
  }

  /** What one rank's device holds in a training step. */
  private static long bytes(RunConfig run, int ranks) {
    return ranks == 1 && !run.training().sharding().cpuOffload()
        ? RunPlan.of(run).stepBytes()
        : RankPlan.of(run, ranks).totalBytes();
  }

  private static RunConfig offloaded(RunConfig run) {
    ShardingConfig how = run.training().sharding();
    ShardingConfig offloading =
        new ShardingConfig(
            how.enabled(),
            how.strategy(),
            how.minNumParams(),
            how.exchange(),
            how.reduceEveryMicroBatch(),
            how.nodeRanks(),
            true);
    TrainingConfig training = run.training().toBuilder().sharding(offloading).build();
    return new RunConfig(run.model(), training, run.data());
  }
}

package org.freetransformer.run;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.freetransformer.config.ConfigException;
import org.freetransformer.nn.sharding.ProcessGroup;
import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.PlannedStep;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.ShardingConfig;

/**
 * What one of several ranks will take, the first of them, known before anything is computed.
 *
 * @param bytes memory by kind, of the device that computes; whole units are among the activations
 * @param hostBytes memory by kind, of the host that keeps what is offloaded; empty if nothing is
 * @param bytesSent bytes that it sends to others in a step, at least
 * @param step what its step computes
 */
public record RankPlan(
    Map<String, Long> bytes, Map<String, Long> hostBytes, long bytesSent, StepWork step) {
  /** Memory in which first values are drawn, given back before training begins. */
  private static final String PASSING = "sharding";

  /** Copies the maps. */
  public RankPlan {
    bytes = Collections.unmodifiableMap(new TreeMap<>(bytes));
    hostBytes = Collections.unmodifiableMap(new TreeMap<>(hostBytes));
  }

  /**
   * Records a step of one of {@code count} ranks on a device that computes nothing.
   *
   * @throws ConfigException if so many ranks cannot train so
   */
  public static RankPlan of(RunConfig config, int count) {
    ShardingConfig sharding = config.training().sharding();
    boolean hybrid = sharding.plan().strategy() == Strategy.HYBRID_SHARD;
    int node = hybrid ? sharding.nodeRanks() : 1;
    if (count % node != 0) {
      throw new ConfigException("--ranks", "%d ranks cannot be nodes of %d".formatted(count, node));
    }
    PlanningDevice device = new PlanningDevice();
    PlanningDevice beside = new PlanningDevice();
    try (ProcessGroup group = ProcessGroup.imagined(count, node);
        Engine engine = Engine.on(device);
        Engine host = Engine.on(beside);
        PlannedStep planned = new PlannedStep(engine, host, config, Ranks.of(group))) {
      Map<String, Long> kept = sharding.cpuOffload() ? lasting(beside) : Map.of();
      return new RankPlan(lasting(device), kept, planned.bytesSent(), StepWork.of(planned.step()));
    }
  }

  private static Map<String, Long> lasting(PlanningDevice device) {
    Map<String, Long> bytes = new TreeMap<>(device.bytesByOwner());
    bytes.remove(PASSING);
    return bytes;
  }

  /** All memory of the device together, in bytes. */
  public long totalBytes() {
    return PlanningDevice.total(bytes);
  }

  /** All memory of the host together, in bytes. */
  public long totalHostBytes() {
    return PlanningDevice.total(hostBytes);
  }

  /**
   * The share of a step's time in communication if nothing overlaps; where all overlaps, it hides
   * behind the computation while this is under a half.
   *
   * @param bandwidth bytes a second that leave a rank
   * @param speed floating-point operations a second of a rank
   */
  public double communicationShare(double bandwidth, double speed) {
    double communication = bytesSent / bandwidth;
    return communication / (communication + step.flops() / speed);
  }
}

package org.freetransformer.train;

import static org.freetransformer.config.Limits.between;

import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.nn.sharding.ShardingPlan;
import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.nn.sharding.Wrapping;
import org.freetransformer.tensor.DType;

/**
 * How a model is spread over ranks, where there are several: {@code use_fsdp} and {@code
 * fsdp_config}. It may differ each time a run goes on.
 *
 * @param enabled whether the model is split; if not, every rank has all of it and only gradients
 *     are added up
 * @param strategy what is split
 * @param minNumParams parameters from which on a module is a unit; 0 makes a unit of every block
 * @param exchange the type in which parameters and gradients travel
 * @param reduceEveryMicroBatch whether gradients are reduced after every micro-batch rather than
 *     once a step, which takes less communication and the memory of whole gradients
 * @param nodeRanks ranks of a node, for {@code hybrid_shard}
 * @param cpuOffload whether each rank's share of parameters, gradients and moments is kept, and
 *     updated, in the host's memory rather than in that of the device; then a single rank is
 *     sharded, too
 */
public record ShardingConfig(
    boolean enabled,
    Strategy strategy,
    long minNumParams,
    Exchange exchange,
    boolean reduceEveryMicroBatch,
    int nodeRanks,
    boolean cpuOffload) {
  /** The type in which numbers travel. */
  public enum Exchange {
    /** Single precision. */
    FP32,
    /** bfloat16, half as many bytes; sums are still taken in f32. */
    BF16
  }

  /** Key of {@link #cpuOffload}. */
  static final String OFFLOAD = "cpu_offload";

  /** Full sharding by block. */
  public static final ShardingConfig DEFAULT =
      new ShardingConfig(true, Strategy.FULL_SHARD, 0, Exchange.FP32, true, 1, false);

  /**
   * Checks the numbers.
   *
   * @throws ConfigException if one is out of range, or nothing is split that could be offloaded
   */
  public ShardingConfig {
    between("min_num_params", minNumParams, 0, 1L << 40);
    between("node_ranks", nodeRanks, 1, 1 << 20);
    if (cpuOffload && (!enabled || strategy == Strategy.NO_SHARD)) {
      throw new ConfigException(
          OFFLOAD,
          "true needs use_fsdp and a sharding_strategy that gathers parameters; allowed are"
              + " full-shard, shard-grad-op and hybrid-shard");
    }
  }

  /** Reads both keys of the {@code training} section. */
  static ShardingConfig read(ConfigSection training) {
    boolean enabled = training.flag("use_fsdp", DEFAULT.enabled);
    ConfigSection section = training.section("fsdp_config");
    Strategy strategy = section.choice("sharding_strategy", Strategy.class, DEFAULT.strategy);
    long minNumParams = section.longInteger("min_num_params", DEFAULT.minNumParams);
    Exchange exchange = section.choice("exchange_precision", Exchange.class, DEFAULT.exchange);
    boolean every = section.flag("reduce_every_micro_batch", DEFAULT.reduceEveryMicroBatch);
    int nodeRanks = section.integer("node_ranks", DEFAULT.nodeRanks);
    boolean offload = section.flag(OFFLOAD, DEFAULT.cpuOffload);
    return section.build(() ->
        new ShardingConfig(enabled, strategy, minNumParams, exchange, every, nodeRanks, offload));
  }

  /** Puts both keys into the map of the {@code training} section. */
  void putInto(Map<String, Object> training) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("sharding_strategy", ConfigSection.nameOf(strategy));
    map.put("min_num_params", minNumParams);
    map.put("exchange_precision", ConfigSection.nameOf(exchange));
    map.put("reduce_every_micro_batch", reduceEveryMicroBatch);
    map.put("node_ranks", nodeRanks);
    map.put(OFFLOAD, cpuOffload);
    training.put("use_fsdp", enabled);
    training.put("fsdp_config", map);
  }

  /** The plan by which a model is split. */
  public ShardingPlan plan() {
    return new ShardingPlan(
        enabled ? strategy : Strategy.NO_SHARD,
        minNumParams == 0 ? Wrapping.BY_BLOCK : Wrapping.bySize(minNumParams),
        exchange == Exchange.BF16 ? DType.BF16 : DType.F32,
        reduceEveryMicroBatch,
        nodeRanks);
  }
}

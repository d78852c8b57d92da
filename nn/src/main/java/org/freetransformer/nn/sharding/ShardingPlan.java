package org.freetransformer.nn.sharding;

import org.freetransformer.tensor.DType;

/**
 * How a model is spread over ranks.
 *
 * @param strategy what is split
 * @param wrapping what makes a unit: the parameters that are gathered and reduced together
 * @param exchanged the type in which parameters and gradients travel, f32 or bf16; what a rank
 *     keeps is f32, and sums are taken in f32
 * @param reduceEveryMicroBatch whether gradients are reduced after every micro-batch, so that a
 *     rank keeps its part alone; else each rank adds up whole gradients by itself, and only the
 *     last micro-batch of a step communicates
 * @param nodeRanks ranks in a node, for {@link Strategy#HYBRID_SHARD} alone
 */
public record ShardingPlan(
    Strategy strategy,
    Wrapping wrapping,
    DType exchanged,
    boolean reduceEveryMicroBatch,
    int nodeRanks) {
  /** Full sharding by block, in f32. */
  public static final ShardingPlan DEFAULT = of(Strategy.FULL_SHARD);

  /**
   * Checks the type.
   *
   * @throws IllegalArgumentException if numbers cannot travel in it
   */
  public ShardingPlan {
    if (exchanged != DType.F32 && exchanged != DType.BF16) {
      throw new IllegalArgumentException(
          "parameters cannot travel as %s: allowed are F32 and BF16".formatted(exchanged));
    }
    if (nodeRanks < 1) {
      throw new IllegalArgumentException(
          "%d ranks in a node: allowed are 1 or more".formatted(nodeRanks));
    }
  }

  /** A strategy with everything else as usual: units by block, f32, one rank in a node. */
  public static ShardingPlan of(Strategy strategy) {
    return new ShardingPlan(strategy, Wrapping.BY_BLOCK, DType.F32, true, 1);
  }

  /** The same with another type for travelling. */
  public ShardingPlan withExchanged(DType type) {
    return new ShardingPlan(strategy, wrapping, type, reduceEveryMicroBatch, nodeRanks);
  }

  /** The same with other units. */
  public ShardingPlan withWrapping(Wrapping other) {
    return new ShardingPlan(strategy, other, exchanged, reduceEveryMicroBatch, nodeRanks);
  }

  /** The same with or without communication in every micro-batch. */
  public ShardingPlan withReduceEveryMicroBatch(boolean every) {
    return new ShardingPlan(strategy, wrapping, exchanged, every, nodeRanks);
  }

  /** The same with nodes of another size. */
  public ShardingPlan withNodeRanks(int ranks) {
    return new ShardingPlan(strategy, wrapping, exchanged, reduceEveryMicroBatch, ranks);
  }
}

package org.freetransformer.nn.sharding;

/** What is split over the ranks, and for how long a unit's whole parameters are kept. */
public enum Strategy {
  /**
   * Parameters, gradients and moments are split; a unit is whole only while it is computed with.
   */
  FULL_SHARD,
  /** The same, but a unit stays whole from its first use in a pass to its last. */
  SHARD_GRAD_OP,
  /**
   * No state is split: every rank has all of it, and only gradients are added up (data
   * parallelism).
   */
  NO_SHARD,
  /** Full sharding within a node; the nodes hold copies, and add up their gradients. */
  HYBRID_SHARD
}

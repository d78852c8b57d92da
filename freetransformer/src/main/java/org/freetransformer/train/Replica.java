package org.freetransformer.train;

import java.util.List;
import java.util.SequencedMap;
import org.freetransformer.config.ConfigException;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.Resources;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.sharding.FullyShardedModel;
import org.freetransformer.nn.sharding.ProcessGroup;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The model that is trained, or this rank's share of it, which the host may keep for a device that
 * computes.
 */
final class Replica implements AutoCloseable {
  private final LanguageModel model;
  private final Ranks ranks;
  private final @Nullable FullyShardedModel shards;

  private final Resources resources;

  private Replica(
      LanguageModel model, Ranks ranks, @Nullable FullyShardedModel shards, Resources resources) {
    this.model = model;
    this.ranks = ranks;
    this.shards = shards;
    this.resources = resources;
  }

  /** All of a model, which is closed with it. */
  static Replica whole(LanguageModel model) {
    Resources own = new Resources();
    return new Replica(own.add(model), Ranks.ONE, null, own);
  }

  /**
   * A new model, or this rank's share of it: no rank ever holds the whole.
   *
   * @param host keeps the share if it is offloaded; null where there is none beside the engine
   * @throws ConfigException if the share is to be offloaded and there is nothing to take it
   */
  static Replica create(
      Engine engine,
      @Nullable Engine host,
      ModelConfig config,
      ShardingConfig sharding,
      Ranks ranks) {
    boolean offloads = sharding.cpuOffload();
    if (offloads && host == null) {
      throw new ConfigException(
          "training.fsdp_config." + ShardingConfig.OFFLOAD,
          "is for ft train on a device with memory of its own, such as --device opencl:0; on a CPU"
              + " the shards are in its memory already; set it to false");
    }
    ProcessGroup others = ranks.group();
    if (others == null && !offloads) {
      return whole(LanguageModel.create(engine, config));
    }
    try (Resources parts = new Resources()) {
      // A rank that is sharded for the host's sake alone has no other to talk to.
      ProcessGroup group = others == null ? parts.add(ProcessGroup.alone()) : others;
      LanguageModel model = parts.add(LanguageModel.createWithoutWeights(engine, config));
      Engine keeper = offloads && host != null ? host : engine;
      FullyShardedModel shards =
          parts.add(new FullyShardedModel(engine, keeper, model, sharding.plan(), group));
      return new Replica(model, ranks, shards, parts.keep());
    }
  }

  LanguageModel model() {
    return model;
  }

  Ranks ranks() {
    return ranks;
  }

  /** Whether this rank has all parameters between programs, too. */
  boolean isWhole() {
    return shards == null || shards.keepsWhole();
  }

  @Nullable FullyShardedModel shards() {
    return shards;
  }

  /** The engine that keeps and updates {@link #trained}. */
  Engine keeper() {
    return shards == null ? model.engine() : shards.host();
  }

  /** What this rank's optimizer trains. */
  SequencedMap<String, Parameter> trained() {
    return shards == null ? Parameter.trained(model.parameters()) : shards.parts();
  }

  /** The sum over all ranks of what each computed from its {@link #trained}. */
  Tensor sumOverRanks(Tensor own) {
    return shards == null ? own : shards.sumOfParts(own);
  }

  /** Changes values of some parameters, alike on all ranks. */
  void edit(List<String> names, Runnable change) {
    if (shards == null) {
      change.run();
    } else {
      shards.edit(names, change);
    }
  }

  /** Lets an optimizer forget a slice of a parameter, or what this rank has of it. */
  void forget(AdamW optimizer, String name, int axis, int index) {
    if (shards == null) {
      optimizer.forget(name, axis, index);
      return;
    }
    for (FullyShardedModel.Piece piece : shards.pieces()) {
      if (piece.name().equals(name)) {
        Shape shape = piece.whole().value().shape();
        long stride = 1;
        for (int after = axis + 1; after < shape.rank(); after++) {
          stride *= shape.dim(after);
        }
        long step = stride;
        optimizer.forget(name, i -> (piece.from() + i) / step % shape.dim(axis) == index);
      }
    }
  }

  /** Says before a micro-batch whether it is this rank's last one of its step. */
  void lastMicroBatch(boolean last) {
    if (shards != null) {
      shards.lastMicroBatch(last);
    }
  }

  @Override
  public void close() {
    resources.close();
  }
}

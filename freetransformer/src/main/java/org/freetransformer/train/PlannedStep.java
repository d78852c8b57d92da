package org.freetransformer.train;

import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.Resources;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Instruction;
import org.jspecify.annotations.Nullable;

/**
 * A training step with model and optimizer as a trainer has them, but without its data: to tell on
 * a device that computes nothing what training takes, or to be run on batches of the caller's.
 */
public final class PlannedStep implements AutoCloseable {
  private final ShardingConfig sharding;
  private final Replica replica;
  private final TrainingStep step;
  private final Resources resources;

  /**
   * Records the step of one of several ranks, or of the only one.
   *
   * @throws org.freetransformer.config.ConfigException if the ranks cannot train so
   */
  public PlannedStep(Engine engine, RunConfig config, Ranks ranks) {
    this(engine, null, config, ranks);
  }

  /**
   * The same on a device beside which there is a host.
   *
   * @param host takes what is offloaded
   * @throws org.freetransformer.config.ConfigException also if that is missing
   */
  public PlannedStep(Engine engine, @Nullable Engine host, RunConfig config, Ranks ranks) {
    TrainingConfig how = config.training();
    ranks.requireShares(how);
    sharding = how.sharding();
    try (Resources parts = new Resources()) {
      replica = parts.add(Replica.create(engine, host, config.model(), sharding, ranks));
      AdamW optimizer = parts.add(how.optimizer(replica));
      int length = config.data().sequenceLength();
      step = parts.add(new TrainingStep(replica, optimizer, how, length));
      resources = parts.keep();
    }
  }

  /** The step's programs. */
  public TrainingStep step() {
    return step;
  }

  /** The model. */
  public LanguageModel model() {
    return replica.model();
  }

  /** Bytes that this rank sends to others in a step, at least. */
  public long bytesSent() {
    long sent = 0;
    for (TrainingStep.Part part : step.parts()) {
      for (Instruction instruction : part.program().instructions()) {
        if (instruction instanceof Instruction.HostCall call) {
          sent += (isDoneInEveryRun(call) ? part.runs() : 1) * call.sent();
        }
      }
    }
    return sent;
  }

  /** Parameters are gathered in every run; what follows the reductions is done in the last one. */
  private boolean isDoneInEveryRun(Instruction.HostCall call) {
    return call.name().contains("all-gather")
        || (call.name().contains("reduce-scatter") && sharding.reduceEveryMicroBatch());
  }

  @Override
  public void close() {
    resources.close();
  }
}

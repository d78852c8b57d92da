package org.freetransformer.train;

import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.device.Instruction;

/** A training step with model and optimizer as a trainer has them, to be looked at and not run. */
public final class PlannedStep implements AutoCloseable {
  private static final double EPSILON = 1e-8; // Of AdamW; it changes no size.

  private final ShardingConfig sharding;
  private final Replica replica;
  private final AdamW optimizer;
  private final TrainingStep step;

  /**
   * Records the step of one of several ranks, or of the only one.
   *
   * @throws org.freetransformer.config.ConfigException if the ranks cannot train so
   */
  public PlannedStep(Engine engine, RunConfig config, Ranks ranks) {
    TrainingConfig how = config.training();
    ranks.requireShares(how);
    sharding = how.sharding();
    replica = Replica.create(engine, config.model(), sharding, ranks);
    optimizer =
        new AdamW(
            engine,
            replica.trained(),
            new AdamW.Config(how.beta1(), how.beta2(), EPSILON, how.weightDecay()));
    step = new TrainingStep(replica, optimizer, how, config.data().sequenceLength());
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
    boolean everyRun =
        sharding.plan().strategy() != Strategy.NO_SHARD && sharding.reduceEveryMicroBatch();
    long sent = 0;
    for (TrainingStep.Part part : step.parts()) {
      sent += part.runs() * sent(part.program(), true);
      sent += (everyRun ? part.runs() : 1) * sent(part.program(), false);
    }
    return sent;
  }

  private static long sent(Program program, boolean gathers) {
    return program.instructions().stream()
        .filter(Instruction.HostCall.class::isInstance)
        .map(Instruction.HostCall.class::cast)
        .filter(call -> call.name().contains("all-gather") == gathers)
        .mapToLong(Instruction.HostCall::sent)
        .sum();
  }

  @Override
  public void close() {
    step.close();
    optimizer.close();
    replica.close();
  }
}

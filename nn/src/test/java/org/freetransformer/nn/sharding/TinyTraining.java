package org.freetransformer.nn.sharding;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.optim.GradientClipping;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.jspecify.annotations.Nullable;

/** Trains the tiny model as one rank, or as all there is. */
final class TinyTraining implements AutoCloseable {
  static final int BATCH = 2;

  final Engine engine = Engine.on(Devices.cpu(1));

  /** Keeps what is trained: the same engine, or another. */
  final Engine host;

  final TinyModel model;
  private final @Nullable FullyShardedModel sharded;
  final AdamW optimizer;
  final Program microStep;
  final Program update;
  private final ProcessGroup group;
  private final int microBatches;
  private final Tensor tokens = engine.allocate("inputs", DType.I32, shape());
  private final Tensor targets = engine.allocate("inputs", DType.I32, shape());
  private final Tensor positions = engine.allocate("inputs", DType.I32, Shape.of(TinyModel.LENGTH));

  private static Shape shape() {
    return Shape.of(BATCH, TinyModel.LENGTH);
  }

  /** What is trained: with an untied output, with a frozen block, in so many micro-batches. */
  record Task(int microBatches, boolean tied, boolean frozen) {
    static Task of(int microBatches) {
      return new Task(microBatches, true, false);
    }
  }

  /** Without a plan: not sharded at all. */
  TinyTraining(ProcessGroup group, @Nullable ShardingPlan plan, Task task) {
    this(group, plan, task, false);
  }

  /** The same; if offloaded, another engine keeps the parts and updates them. */
  TinyTraining(ProcessGroup group, @Nullable ShardingPlan plan, Task task, boolean offloaded) {
    this.host = offloaded ? Engine.on(Devices.cpu(1)) : engine;
    this.group = group;
    this.microBatches = task.microBatches();
    engine.random().seed(5);
    try (Engine.Mode _ = plan == null ? engine.noGrad() : engine.deferParameters()) {
      model = new TinyModel(engine, task.tied());
    }
    if (task.frozen()) {
      model.block(1).parameters().values().forEach(Parameter::freeze);
    }
    sharded = plan == null ? null : new FullyShardedModel(engine, host, model, plan, group);
    SequencedMap<String, Parameter> trained =
        sharded == null ? model.parameters() : sharded.parts();
    optimizer = new AdamW(host, trained, new AdamW.Config(0.9, 0.95, 1e-8, 0.1));
    int[] places = new int[TinyModel.LENGTH];
    Arrays.setAll(places, t -> t);
    positions.set(places);
    model.train(true);
    microStep =
        Program.record(
            engine,
            () -> {
              Tensor loss = model.loss(tokens, targets, positions).mul(1.0 / microBatches);
              loss.backward();
              return List.of(loss);
            });
    update =
        Program.record(
            host,
            () -> {
              GradientClipping.Clipped clipped =
                  sharded == null
                      ? GradientClipping.clip(host, trained, 0.5)
                      : GradientClipping.clip(host, trained, 0.5, null, sharded::sumOfParts);
              optimizer.emitUpdate(clipped.scale());
              return List.of(clipped.norm());
            });
  }

  FullyShardedModel sharded() {
    return Objects.requireNonNull(sharded);
  }

  /** The losses of this rank's micro-batches, and the gradient's norm behind those of a step. */
  List<Float> train(int steps) {
    List<Float> told = new ArrayList<>();
    for (int step = 1; step <= steps; step++) {
      for (int m = group.rank(); m < microBatches; m += group.size()) {
        long number = (long) (step - 1) * microBatches + m;
        setBatch(number);
        engine.random().step(number + 1);
        if (sharded != null) {
          sharded.lastMicroBatch(m + group.size() >= microBatches);
        }
        microStep.run();
        told.add(microStep.outputs().getFirst().item());
      }
      optimizer.schedule(step, 0.01);
      update.run();
      told.add(update.outputs().getFirst().item());
    }
    return told;
  }

  /**
   * What all ranks told, as one rank would tell it: losses in the order of the micro-batches, and
   * the norm, which must be the same on all, behind those of each step.
   */
  static List<Float> merged(List<List<Float>> told, Task task, int steps) {
    List<Float> merged = new ArrayList<>();
    int microBatches = task.microBatches();
    int ranks = told.size();
    int each = microBatches / ranks;
    for (int step = 0; step < steps; step++) {
      for (int m = 0; m < microBatches; m++) {
        merged.add(told.get(m % ranks).get(step * (each + 1) + m / ranks));
      }
      for (List<Float> rank : told) {
        assertThat(rank.get(step * (each + 1) + each))
            .as("norm on every rank")
            .isEqualTo(told.getFirst().get(step * (each + 1) + each));
      }
      merged.add(told.getFirst().get(step * (each + 1) + each));
    }
    return merged;
  }

  private void setBatch(long number) {
    SplittableRandom random = new SplittableRandom(number);
    int[] values = new int[BATCH * TinyModel.LENGTH];
    Arrays.setAll(values, i -> random.nextInt(TinyModel.VOCABULARY));
    tokens.set(values);
    Arrays.setAll(values, i -> random.nextInt(2) == 0 ? values[i] : random.nextInt(9));
    targets.set(values);
  }

  @Override
  public void close() {
    microStep.close();
    update.close();
    optimizer.close();
    if (sharded != null) {
      sharded.close();
    }
    model.close();
    if (!host.equals(engine)) {
      host.close();
    }
    engine.close();
  }
}

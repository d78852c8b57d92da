package org.freetransformer.run;

import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.TrainingConfig;
import org.freetransformer.train.TrainingStep;

/**
 * What a training run will take, known before anything is computed.
 *
 * @param parameters trained numbers
 * @param bytes memory by kind: parameters, gradients, moments, the planned arena, and the rest
 * @param flopsPerToken useful floating-point operations of training, per input token
 * @param instructions how many a step has, forward, backward and update
 * @param listing the instructions of a step, one a line
 */
public record RunPlan(
    long parameters,
    Map<String, Long> bytes,
    double flopsPerToken,
    int instructions,
    String listing) {
  private static final double EPSILON = 1e-8; // Of AdamW; it changes no size.

  /** Copies the map. */
  public RunPlan {
    bytes = new TreeMap<>(bytes);
  }

  /** Records a training step on a device that computes nothing, and sums it up. */
  public static RunPlan of(RunConfig config) {
    TrainingConfig training = config.training();
    int length = config.data().sequenceLength();
    PlanningDevice device = new PlanningDevice();
    try (Engine engine = Engine.on(device);
        LanguageModel model = LanguageModel.create(engine, config.model());
        AdamW optimizer = new AdamW(engine, model.parameters(), constants(training));
        TrainingStep step = new TrainingStep(model, optimizer, training, length)) {
      double flops = 0;
      int instructions = 0;
      StringJoiner listing = new StringJoiner("\n");
      for (TrainingStep.Part part : step.parts()) {
        flops += (double) part.runs() * part.program().cost().flops();
        instructions += part.program().instructions().size();
        listing.add(part.name() + "\n" + part.program().listing());
      }
      long microSteps = training.gradientAccumulationSteps();
      long tokens = microSteps * training.batchSize() * length;
      return new RunPlan(
          model.parameterCount(),
          device.bytesByOwner(),
          flops / tokens,
          instructions,
          listing.toString());
    }
  }

  /** All memory together, in bytes. */
  public long totalBytes() {
    return bytes.values().stream().mapToLong(Long::longValue).sum();
  }

  private static AdamW.Config constants(TrainingConfig training) {
    return new AdamW.Config(training.beta1(), training.beta2(), EPSILON, training.weightDecay());
  }
}

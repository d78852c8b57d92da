package org.freetransformer.run;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.freetransformer.config.ConfigException;
import org.freetransformer.eval.Evaluator;
import org.freetransformer.generate.Generator;
import org.freetransformer.generate.IncrementalDecoder;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.PlannedStep;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.SampleWriter;
import org.freetransformer.train.Trainer;
import org.freetransformer.train.TrainingConfig;

/**
 * What a training run will take, known before anything is computed.
 *
 * @param parameters trained numbers
 * @param bytes memory by kind: parameters, gradients, moments, {@value #ACTIVATIONS}, and the rest;
 *     and {@value #EVALUATION}, whose program a run records before its first step, and {@value
 *     #SAMPLES}, which it adds at its first evaluation
 * @param flopsPerToken useful floating-point operations of training, per input token
 * @param step what a step computes
 */
public record RunPlan(
    long parameters, Map<String, Long> bytes, double flopsPerToken, StepWork step) {
  /** The arenas of recorded programs: activations, and what else is in between. */
  public static final String ACTIVATIONS = "activations";

  /** What evaluation takes, beside what it shares with training. */
  public static final String EVALUATION = "evaluation";

  /** What the model's writing takes while it learns. */
  public static final String SAMPLES = "samples";

  /** Copies the map. */
  public RunPlan {
    bytes = Collections.unmodifiableMap(new TreeMap<>(bytes));
  }

  /**
   * Records the training step of a single rank on a device that computes nothing, and sums it up.
   *
   * @throws ConfigException if the host is to keep what is trained: see {@link RankPlan}
   */
  public static RunPlan of(RunConfig config) {
    TrainingConfig training = config.training();
    int length = config.data().sequenceLength();
    PlanningDevice device = new PlanningDevice();
    try (Engine engine = Engine.on(device);
        PlannedStep planned = new PlannedStep(engine, config, Ranks.ONE)) {
      StepWork step = StepWork.of(planned.step());
      long microSteps = training.gradientAccumulationSteps();
      long tokens = microSteps * training.batchSize() * length;
      Map<String, Long> bytes = new TreeMap<>(device.bytesByOwner());
      try (Evaluator _ = Trainer.evaluator(planned.model(), config)) {
        bytes.put(EVALUATION, device.totalBytes() - PlanningDevice.total(bytes));
      }
      if (training.samples().count() > 0) {
        write(planned.model(), SampleWriter.largestRequest(config));
        bytes.put(SAMPLES, device.totalBytes() - PlanningDevice.total(bytes));
      }
      return new RunPlan(planned.model().parameterCount(), bytes, step.flops() / tokens, step);
    }
  }

  /** Writes two tokens, of which the first is read again: more takes no more memory. */
  private static void write(LanguageModel model, Generator.Request request) {
    Generator generator = new Generator(model);
    try (IncrementalDecoder decoder = generator.newDecoder(request)) {
      generator.generate(request.withMaxTokens(Math.min(2, request.maxTokens())), decoder);
    }
  }

  /** All memory together, in bytes. */
  public long totalBytes() {
    return PlanningDevice.total(bytes);
  }

  /** What training steps take by themselves, in bytes. */
  public long stepBytes() {
    return totalBytes() - bytes.getOrDefault(EVALUATION, 0L) - bytes.getOrDefault(SAMPLES, 0L);
  }
}

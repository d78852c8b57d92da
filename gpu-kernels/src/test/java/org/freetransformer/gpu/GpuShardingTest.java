package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.freetransformer.data.Dataset;
import org.freetransformer.nn.sharding.InProcessRanks;
import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.device.Instruction.HostCall;
import org.freetransformer.train.CollapseRemedies;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.ShardingConfig;
import org.freetransformer.train.StepMetrics;
import org.freetransformer.train.Trainer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ranks on GPU devices, and a host that keeps what they train. */
class GpuShardingTest {
  private static final int STEPS = 2;

  private static RunConfig config(
      Strategy strategy, boolean every, Precision precision, boolean offload) {
    return GpuTrainingTest.config(training ->
        training
            .batchSize(1)
            .gradientAccumulationSteps(2)
            .precision(precision)
            .logEvery(2)
            .emaDecay(0.5)
            .gradClip(0.5)
            .remedies(CollapseRemedies.NONE.withDeadBitReset(2, 0.5))
            .sharding(
                new ShardingConfig(
                    true, strategy, 0, ShardingConfig.Exchange.FP32, every, 2, offload)));
  }

  /** Loss, norm and update ratios of some steps, and the bound after them. */
  private static List<Double> train(Supplier<Device> device, RunConfig config, int ranks) {
    return InProcessRanks.run(
            ranks,
            group -> {
              try (Engine engine = Engine.on(device.get());
                  Engine host = Engine.on(Devices.cpu(1));
                  Dataset data = Dataset.open(config.data(), _ -> {});
                  Trainer trainer = new Trainer(engine, host, config, data, Ranks.of(group))) {
                List<Double> numbers = new ArrayList<>();
                for (int i = 0; i < STEPS; i++) {
                  StepMetrics step = trainer.next();
                  numbers.addAll(List.of(step.loss(), step.gradientNorm()));
                  numbers.addAll(step.updateRatios().values());
                }
                numbers.add(trainer.evaluate(1).nllBound());
                requireState(config, engine, host);
                return numbers;
              }
            })
        .getFirst();
  }

  private static void requireState(RunConfig config, Engine engine, Engine host) {
    boolean offload = config.training().sharding().cpuOffload();
    for (String owner : List.of("parameters", "moments", "averages")) {
      assertThat(live(host).containsKey(owner)).as("%s on the host", owner).isEqualTo(offload);
      assertThat(live(engine).containsKey(owner)).as("%s there", owner).isNotEqualTo(offload);
    }
  }

  private static Map<String, Long> live(Engine engine) {
    return engine.device().memory().liveBytesByOwner();
  }

  private static void assertClose(List<Double> actual, List<Double> expected, double relative) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      double allowed = relative * Math.max(1e-3, Math.abs(expected.get(i)));
      assertThat(actual.get(i)).as("number %d", i).isCloseTo(expected.get(i), within(allowed));
    }
  }

  @ParameterizedTest
  @CsvSource({"FULL_SHARD, true", "SHARD_GRAD_OP, false", "NO_SHARD, true"})
  void ranksTrainAsOnTheCpu(Strategy strategy, boolean every) {
    RunConfig config = config(strategy, every, Precision.FP32, false);
    List<Double> expected = train(() -> Devices.cpu(1), config, 2);
    assertClose(train(TornadoVm::open, config, 2), expected, 1e-3);
  }

  /** Each takes seconds where kernels run as Java: bf16, fp16 without scaled losses, is slow. */
  @ParameterizedTest
  @CsvSource({"FP32, 2", "FP16, 1"})
  void offloadingChangesNothingButRounding(Precision precision, int ranks) {
    double tolerance = precision.isMixed() ? 2e-3 : 1e-4;
    RunConfig offloading = config(Strategy.FULL_SHARD, true, precision, true);
    RunConfig alone = config(Strategy.FULL_SHARD, true, precision, false);
    assertClose(
        train(TornadoVm::open, offloading, ranks), train(TornadoVm::open, alone, 1), tolerance);
  }

  @Tag("slow")
  @ParameterizedTest
  @CsvSource({"FP32, 1", "BF16, 1", "BF16, 2", "FP16, 2"})
  void offloadingChangesNothingButRoundingElsewhere(Precision precision, int ranks) {
    offloadingChangesNothingButRounding(precision, ranks);
  }

  /**
   * What a call of the host begins and another ends is on the device after the end, whatever the
   * device computes in between.
   */
  @Test
  void takesOverWhatACallWroteWhenItHasEnded() {
    try (Engine engine = Engine.on(TornadoVm.open())) {
      Tensor in = engine.allocate("in", DType.F32, Shape.of(100));
      Tensor kept = engine.allocate("kept", DType.F32, Shape.of(100));
      try (Program program =
          Program.record(
              engine,
              () -> {
                Tensor passing = engine.empty(DType.F32, Shape.of(100));
                Tensor twice = in.mul(2);
                for (Tensor target : List.of(passing, kept)) {
                  engine.emit(call(twice, target, true));
                }
                Tensor between = twice.add(1);
                for (Tensor target : List.of(passing, kept)) {
                  engine.emit(call(twice, target, false));
                }
                return List.of(passing.add(between), kept.add(between));
              })) {
        for (float x : new float[] {3, 5}) {
          float[] values = new float[100];
          Arrays.fill(values, x);
          in.set(values);
          program.run();
          for (Tensor output : program.outputs()) {
            assertThat(output.toFloats()).containsOnly(4 * x + 1);
          }
          assertThat(kept.toFloats()).containsOnly(2 * x);
        }
      }
      in.close();
      kept.close();
    }
  }

  /** Copies, or only begins to. */
  private static HostCall call(Tensor from, Tensor to, boolean begins) {
    return new HostCall(
        "copy",
        begins ? List.of(from.buffer()) : List.of(from.buffer(), to.buffer()),
        List.of(to.buffer()),
        0,
        begins,
        at ->
            () -> {
              if (!begins) {
                at.getLast().copyFrom(at.getFirst());
              }
            });
  }
}

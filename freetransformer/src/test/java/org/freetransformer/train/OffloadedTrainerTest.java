package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.config.ConfigException;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.sharding.InProcessRanks;
import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.device.Devices;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Runs whose state is kept and updated by a second engine, on the same kind of device. */
final class OffloadedTrainerTest {
  /** Divided by 1, 2 and 3. */
  private static final int MICRO_BATCHES = 6;

  @TempDir private Path temporary;

  /** Averaged weights, plan bits drawn anew, clipped gradients, update ratios in the log. */
  private static RunConfig config(Precision precision, boolean offload) {
    TrainingConfig training =
        TrainingConfig.builder()
            .batchSize(1)
            .gradientAccumulationSteps(MICRO_BATCHES)
            .precision(precision)
            .maxSteps(8)
            .warmupSteps(2)
            .learningRate(0.01)
            .gradClip(0.5)
            .logEvery(2)
            .emaDecay(0.9)
            .remedies(CollapseRemedies.NONE.withDeadBitReset(2, 0.5))
            .sharding(
                new ShardingConfig(
                    true, Strategy.FULL_SHARD, 0, ShardingConfig.Exchange.FP32, true, 1, offload))
            .build();
    return new RunConfig(SmallModels.forPlanLetters(), training, DataConfig.planLetters(5));
  }

  /** What is left of a run: all that it told, and where it was saved. */
  private record Told(List<Object> numbers, Checkpoint checkpoint) {}

  private Told toldAfter(Trainer trainer, int steps, String name) {
    List<Object> numbers = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      StepMetrics step = trainer.next();
      numbers.add(
          List.of(
              step.loss(),
              step.gradientNorm(),
              rounded(step.updateRatios()),
              step.redrawnBits(),
              String.valueOf(step.scaling())));
    }
    numbers.add(trainer.evaluate(1).nllBound());
    return new Told(numbers, save(trainer, name));
  }

  /** Ratios, which each rank adds up from its pieces: six digits are alike. */
  private static List<String> rounded(Map<String, Double> ratios) {
    return ratios.entrySet().stream()
        .map(ratio -> "%s %.5e".formatted(ratio.getKey(), ratio.getValue()))
        .toList();
  }

  private Checkpoint save(Trainer trainer, String name) {
    try {
      return trainer.save(new CheckpointFolder(temporary.resolve(name)), OptionalDouble.empty());
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Does something with the trainer of a rank; with no ranks, without a group. */
  private static <T> T onRanks(int ranks, RunConfig config, Function<Trainer, T> body) {
    return ranks == 0
        ? with(config, Ranks.ONE, body)
        : InProcessRanks.run(ranks, group -> with(config, Ranks.of(group), body)).getFirst();
  }

  private static <T> T with(RunConfig config, Ranks ranks, Function<Trainer, T> body) {
    try (Engine engine = Engine.on(Devices.cpu(1));
        Engine host = Engine.on(Devices.cpu(1));
        Trainer trainer =
            new Trainer(engine, host, config, Dataset.open(config.data(), _ -> {}), ranks)) {
      T made = body.apply(trainer);
      Map<String, Long> onHost = host.device().memory().liveBytesByOwner();
      Map<String, Long> onDevice = engine.device().memory().liveBytesByOwner();
      for (String owner : List.of("parameters", "gradients", "moments", "averages")) {
        boolean offloaded = config.training().sharding().cpuOffload();
        assertThat(onHost.containsKey(owner)).as("%s on the host", owner).isEqualTo(offloaded);
        assertThat(onDevice.containsKey(owner))
            .as("%s on the device", owner)
            .isNotEqualTo(offloaded);
      }
      return made;
    }
  }

  /** What follows the header, which names the settings. */
  private static byte[] numbers(Path file) throws IOException {
    byte[] all = Files.readAllBytes(file);
    long header = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).getLong();
    return Arrays.copyOfRange(all, (int) header + Long.BYTES, all.length);
  }

  @ParameterizedTest
  @EnumSource
  void tellsAndSavesWhatOneEngineDoes(Precision precision) throws IOException {
    Told expected =
        onRanks(0, config(precision, false), trainer -> toldAfter(trainer, 4, "one engine"));
    assertThat(expected.numbers().toString()).as("bits drawn anew").contains("[0, 1");
    for (int ranks : new int[] {0, 1, 2, 3}) {
      Told told =
          onRanks(ranks, config(precision, true), trainer -> toldAfter(trainer, 4, "two" + ranks));
      assertThat(told.numbers()).as("%d ranks", ranks).isEqualTo(expected.numbers());
      for (String file :
          List.of("model.safetensors", "optimizer.safetensors", "parts.safetensors")) {
        assertThat(numbers(told.checkpoint().folder().resolve(file)))
            .as(file)
            .isEqualTo(numbers(expected.checkpoint().folder().resolve(file)));
      }
    }
  }

  @Test
  void aRunGoesOnWithTheOtherAndBack() {
    List<Object> whole = new ArrayList<>();
    List<Object> changing = new ArrayList<>();
    Checkpoint stayed = null;
    Checkpoint changed = null;
    int part = 0;
    for (int ranks : new int[] {2, 1, 3, 0}) {
      boolean offload = part % 2 == 0;
      Checkpoint before = stayed;
      Checkpoint other = changed;
      Told same =
          onRanks(0, config(Precision.FP32, false), trainer -> goOn(trainer, before, "same"));
      Told told =
          onRanks(ranks, config(Precision.FP32, offload), trainer -> goOn(trainer, other, "other"));
      whole.addAll(same.numbers());
      changing.addAll(told.numbers());
      stayed = same.checkpoint();
      changed = told.checkpoint();
      part++;
    }
    assertThat(changing).isEqualTo(whole);
  }

  private Told goOn(Trainer trainer, @Nullable Checkpoint from, String name) {
    if (from != null) {
      trainer.restore(from);
    }
    return toldAfter(trainer, 2, name);
  }

  @Test
  void needsAHost() {
    RunConfig config = config(Precision.FP32, true);
    try (Engine engine = Engine.on(Devices.cpu(1));
        Dataset data = Dataset.open(config.data(), _ -> {})) {
      assertThatThrownBy(() -> new Trainer(engine, config, data))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("training.fsdp_config.cpu_offload: ")
          .hasMessageContaining("on a CPU the shards are in its memory already");
    }
  }
}

package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.ModelConfig.Latent.PostSampler;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.sharding.InProcessRanks;
import org.freetransformer.nn.sharding.ProcessGroup;
import org.freetransformer.nn.sharding.RankFailure;
import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Short runs on plan-letters, spread over ranks of this process. */
final class ShardedTrainerTest {
  /** Divided by 1, 2, 3 and 4. */
  private static final int MICRO_BATCHES = 12;

  private static final List<String> CHECKPOINT_FILES =
      List.of("model.safetensors", "optimizer.safetensors", "parts.safetensors", "SHA256SUMS");

  /** Where {@link #steps} tells the KL. */
  private static final int KL = 2;

  @TempDir private Path temporary;

  private static RunConfig config(Strategy strategy) {
    return config(strategy, Precision.FP32);
  }

  private static RunConfig config(Strategy strategy, Precision precision) {
    return config(strategy, precision, ShardingConfig.Exchange.FP32);
  }

  private static RunConfig config(
      Strategy strategy, Precision precision, ShardingConfig.Exchange exchange) {
    TrainingConfig training =
        TrainingConfig.builder()
            .batchSize(1)
            .gradientAccumulationSteps(MICRO_BATCHES)
            .precision(precision)
            .activationCheckpointing(precision == Precision.BF16)
            .maxSteps(8)
            .warmupSteps(2)
            .learningRate(0.01)
            .sharding(new ShardingConfig(true, strategy, 0, exchange, true, 1, false))
            .build();
    return new RunConfig(SmallModels.forPlanLetters(), training, DataConfig.planLetters(5));
  }

  /** Does something with a trainer on every rank, and gives what the first rank made of it. */
  private static <T> T onRanks(int ranks, RunConfig config, Function<Trainer, T> body) {
    return InProcessRanks.run(
            ranks,
            group -> {
              try (Engine engine = Engine.on(Devices.cpu(1));
                  Trainer trainer =
                      new Trainer(
                          engine, config, Dataset.open(config.data(), _ -> {}), Ranks.of(group))) {
                return body.apply(trainer);
              }
            })
        .getFirst();
  }

  private static <T> T alone(RunConfig config, Function<Trainer, T> body) {
    try (Engine engine = Engine.on(Devices.cpu(1));
        Trainer trainer = new Trainer(engine, config, Dataset.open(config.data(), _ -> {}))) {
      return body.apply(trainer);
    }
  }

  private static List<List<Double>> steps(Trainer trainer, int count) {
    List<List<Double>> told = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StepMetrics step = trainer.next();
      told.add(
          List.of(
              step.loss(),
              step.reconstruction(),
              step.kl(),
              step.gradientNorm(),
              (double) step.tokens()));
    }
    return told;
  }

  /**
   * Nodes add up what each computed of a step, and so in another order. AdamW's first steps make as
   * much of a rounding error as of a gradient, where a gradient is nothing else: the encoder's,
   * whose plan has no effect yet. So the KL alone may differ more.
   */
  private static void assertClose(List<List<Double>> actual, List<List<Double>> expected) {
    for (int i = 0; i < expected.size(); i++) {
      for (int j = 0; j < expected.get(i).size(); j++) {
        double wanted = expected.get(i).get(j);
        assertThat(actual.get(i).get(j)).isCloseTo(wanted, within(j == KL ? 1e-4 : 1e-5 * wanted));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void anyNumberOfRanksTellsWhatOneTells(Strategy strategy) {
    List<List<Double>> expected = alone(config(strategy), trainer -> steps(trainer, 3));
    for (int ranks = 1; ranks <= 4; ranks++) {
      List<List<Double>> told = onRanks(ranks, config(strategy), trainer -> steps(trainer, 3));
      if (strategy == Strategy.HYBRID_SHARD) {
        assertClose(told, expected);
      } else {
        assertThat(told).as("%d ranks", ranks).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void mixedPrecisionAndRecomputationGoTogetherWithSharding(Strategy strategy) {
    tellsWhatOneTells(new Case(strategy, Precision.BF16, 2, 3));
  }

  /** Hybrid sharding is in one node here: several add up in another order. */
  record Case(Strategy strategy, Precision precision, int microBatchesEach, int ranks) {
    RunConfig config() {
      RunConfig one = ShardedTrainerTest.config(strategy, precision);
      TrainingConfig training =
          one.training().toBuilder()
              .gradientAccumulationSteps(microBatchesEach * ranks)
              .sharding(
                  new ShardingConfig(
                      true, strategy, 0, ShardingConfig.Exchange.FP32, true, ranks, false))
              .build();
      return new RunConfig(one.model(), training, one.data());
    }
  }

  static List<Case> product() {
    List<Case> cases = new ArrayList<>();
    for (Strategy strategy : Strategy.values()) {
      for (Precision precision : Precision.values()) {
        for (int each : new int[] {1, 3}) {
          for (int ranks = 1; ranks <= 4; ranks++) {
            cases.add(new Case(strategy, precision, each, ranks));
          }
        }
      }
    }
    return cases;
  }

  @Tag("slow")
  @ParameterizedTest
  @MethodSource("product")
  void tellsWhatOneTells(Case many) {
    List<List<Double>> expected = alone(many.config(), trainer -> steps(trainer, 3));
    List<List<Double>> told = onRanks(many.ranks(), many.config(), trainer -> steps(trainer, 3));
    assertThat(told).isEqualTo(expected);
  }

  /** Averaged weights, and plan bits that are drawn anew every other step. */
  private static RunConfig withAverageAndRedrawing(Strategy strategy, PostSampler postSampler) {
    RunConfig plain = config(strategy);
    ModelConfig model = plain.model();
    ModelConfig.Latent latent = model.latent();
    TrainingConfig training =
        plain.training().toBuilder()
            .emaDecay(0.9)
            .remedies(CollapseRemedies.NONE.withDeadBitReset(2, 0.5))
            .build();
    return new RunConfig(
        model.toBuilder()
            .latent(new ModelConfig.Latent(latent.gradient(), latent.kvNorm(), postSampler))
            .build(),
        training,
        plain.data());
  }

  /** What was told of steps and evaluation, and the checkpoint they led to. */
  private record Told(List<List<Double>> steps, double bound, Path checkpoint) {}

  private Told toldAfter(Trainer trainer, int steps, String name) {
    List<List<Double>> told = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      StepMetrics step = trainer.next();
      told.add(List.of(step.loss(), step.gradientNorm(), (double) step.redrawnBits().size()));
    }
    return new Told(told, trainer.evaluate(1).nllBound(), save(trainer, name).folder());
  }

  @ParameterizedTest
  @CsvSource({
    "FULL_SHARD, TABLE",
    "FULL_SHARD, BITS",
    "SHARD_GRAD_OP, BITS",
    "NO_SHARD, TABLE",
    "HYBRID_SHARD, BITS"
  })
  void averagesAndRedrawnBitsAreThoseOfOneRank(Strategy strategy, PostSampler postSampler)
      throws IOException {
    RunConfig config = withAverageAndRedrawing(strategy, postSampler);
    Told alone = alone(config, trainer -> toldAfter(trainer, 4, "alone"));
    assertThat(alone.steps().get(1).getLast()).isPositive();
    for (int ranks : new int[] {1, 3}) {
      Told many = onRanks(ranks, config, trainer -> toldAfter(trainer, 4, "many" + ranks));
      if (strategy == Strategy.NO_SHARD || strategy == Strategy.HYBRID_SHARD) {
        assertThat(many.steps().get(3).getLast()).isEqualTo(alone.steps().get(3).getLast());
        assertThat(many.bound()).isCloseTo(alone.bound(), within(1e-3));
        continue;
      }
      assertThat(many.steps()).isEqualTo(alone.steps());
      assertThat(many.bound()).isEqualTo(alone.bound());
      for (String file : CHECKPOINT_FILES) {
        assertThat(many.checkpoint().resolve(file))
            .hasSameBinaryContentAs(alone.checkpoint().resolve(file));
      }
    }
  }

  @Test
  void averagesGoOnWithAnotherNumberOfRanks() {
    RunConfig config = withAverageAndRedrawing(Strategy.FULL_SHARD, PostSampler.BITS);
    Told whole = alone(config, trainer -> toldAfter(trainer, 5, "whole"));
    Checkpoint saved =
        onRanks(
            2,
            config,
            trainer -> {
              steps(trainer, 3);
              return save(trainer, "run");
            });
    for (int ranks : new int[] {0, 3, 4}) {
      Function<Trainer, Told> goOn =
          trainer -> {
            trainer.restore(saved);
            return toldAfter(trainer, 2, "run" + ranks);
          };
      Told last = ranks == 0 ? alone(config, goOn) : onRanks(ranks, config, goOn);
      assertThat(last.steps()).isEqualTo(whole.steps().subList(3, 5));
      assertThat(last.bound()).isEqualTo(whole.bound());
    }
  }

  @Test
  void tellsInLoggedStepsHowLongEachRankWaited() {
    RunConfig config = config(Strategy.FULL_SHARD);
    TrainingConfig training = config.training().toBuilder().logEvery(2).build();
    RunConfig logged = new RunConfig(config.model(), training, config.data());
    InProcessRanks.run(
        3,
        group -> {
          try (Engine engine = Engine.on(Devices.cpu(1));
              Trainer trainer =
                  new Trainer(
                      engine, logged, Dataset.open(logged.data(), _ -> {}), Ranks.of(group))) {
            List<List<Double>> waits = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
              waits.add(trainer.next().rankWaits());
            }
            List<Double> inAll = Ranks.of(group).waits();
            assertThat(List.of(waits.get(0), waits.get(2), waits.get(4))).allMatch(List::isEmpty);
            for (int rank = 0; rank < 3; rank++) {
              double first = waits.get(1).get(rank);
              double second = waits.get(3).get(rank);
              assertThat(first).isPositive();
              assertThat(second).isPositive();
              assertThat(first + second).isLessThan(inAll.get(rank));
            }
          }
          return 0;
        });
    List<StepMetrics> alone = alone(logged, trainer -> List.of(trainer.next(), trainer.next()));
    assertThat(alone).allMatch(step -> step.rankWaits().isEmpty());
  }

  @Test
  void evaluationsAreThoseOfOneRank() {
    double bound = alone(config(Strategy.FULL_SHARD), trainer -> trainer.evaluate(2).nllBound());
    double sharded =
        onRanks(2, config(Strategy.FULL_SHARD), trainer -> trainer.evaluate(2).nllBound());
    assertThat(sharded).isEqualTo(bound);
  }

  private Checkpoint save(Trainer trainer, String name) {
    try {
      return trainer.save(new CheckpointFolder(temporary.resolve(name)), OptionalDouble.empty());
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aRunGoesOnWithAnyOtherNumberOfRanksToTheBit(ShardingConfig.Exchange exchange) {
    List<List<Double>> whole =
        onRanks(
            1, config(Strategy.FULL_SHARD, Precision.FP32, exchange), trainer -> steps(trainer, 8));
    List<List<Double>> told = new ArrayList<>();
    int done = 0;
    for (int ranks : new int[] {4, 2, 3, 1}) {
      Strategy strategy = ranks == 2 ? Strategy.SHARD_GRAD_OP : Strategy.FULL_SHARD;
      int before = done;
      told.addAll(
          onRanks(
              ranks,
              config(strategy, Precision.FP32, exchange),
              trainer -> {
                CheckpointFolder folder = new CheckpointFolder(temporary.resolve("run"));
                if (before > 0) {
                  trainer.restore(folder.verifiedByAnother(before));
                }
                List<List<Double>> two = steps(trainer, 2);
                save(trainer, "run");
                return two;
              }));
      done += 2;
    }
    assertThat(told).isEqualTo(whole);
  }

  @Test
  void filesDoNotShowHowManyWroteThem() throws IOException {
    for (Strategy strategy : Strategy.values()) {
      RunConfig config = config(strategy);
      Path whole = alone(config, trainer -> save(trainer, strategy + "-alone").folder());
      for (int ranks : new int[] {1, 3}) {
        Checkpoint saved = onRanks(ranks, config, trainer -> save(trainer, strategy + "-" + ranks));
        Checkpoint.open(saved.folder(), Checkpoint.Use.RESUME);
        for (String file : CHECKPOINT_FILES) {
          assertThat(saved.folder().resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
        }
      }
    }
  }

  @Test
  void aShardedRunGoesOnWithoutSharding() {
    Checkpoint saved =
        onRanks(
            3,
            config(Strategy.FULL_SHARD),
            trainer -> {
              trainer.next();
              return save(trainer, "run");
            });
    List<List<Double>> expected =
        onRanks(1, config(Strategy.FULL_SHARD), trainer -> steps(trainer, 2));
    List<List<Double>> last =
        alone(
            config(Strategy.FULL_SHARD),
            trainer -> {
              trainer.restore(saved);
              return steps(trainer, 1);
            });
    assertThat(last).isEqualTo(expected.subList(1, 2));
  }

  @Test
  void aDamagedCheckpointIsTold() throws IOException {
    Checkpoint saved = onRanks(2, config(Strategy.FULL_SHARD), trainer -> save(trainer, "run"));
    Path file = saved.folder().resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
    assertThatThrownBy(() -> Checkpoint.open(saved.folder(), Checkpoint.Use.RESUME))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("is damaged");
  }

  @Test
  void saysHowAStepCanBeDealtOut() {
    RunConfig config = config(Strategy.FULL_SHARD);
    TrainingConfig training =
        config.training().toBuilder().batchSize(6).gradientAccumulationSteps(1).build();
    RunConfig uneven = new RunConfig(config.model(), training, config.data());
    assertThatThrownBy(() -> onRanks(3, uneven, trainer -> 0))
        .isInstanceOf(RankFailure.class)
        .hasMessageContaining(
            "1 micro-batches a step cannot be dealt out to 3 ranks evenly; the same step can be"
                + " taken with gradient_accumulation_steps 3 and batch_size 2");
    assertThatThrownBy(() -> onRanks(4, uneven, trainer -> 0))
        .hasMessageContaining("allowed are multiples of 4");
    TrainingConfig most =
        training.toBuilder().batchSize(1 << 20).gradientAccumulationSteps(1 << 20).build();
    assertThatThrownBy(() -> Ranks.of(ProcessGroup.imagined(3, 1)).requireShares(most))
        .hasMessageContaining("allowed are multiples of 3");
  }

  /** What another rank sees in the folder may be older, or newer, than what the first one sees. */
  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // Else they wait forever.
  void theFirstRankDecidesWhatIsBest() throws IOException {
    RunConfig base = config(Strategy.FULL_SHARD);
    TrainingConfig training =
        base.training().toBuilder().evalEvery(1).saveEvery(100).keepBest(1).maxSteps(4).build();
    RunConfig config = new RunConfig(base.model(), training, base.data());
    CheckpointFolder folder = new CheckpointFolder(temporary.resolve("run"));
    AtomicReference<Thread> first = new AtomicReference<>();
    List<List<Checkpoint>> saved =
        InProcessRanks.run(
            2,
            group -> {
              try (Engine engine = Engine.on(Devices.cpu(1));
                  Dataset data = Dataset.open(config.data(), _ -> {});
                  Trainer trainer = new Trainer(engine, config, data, Ranks.of(group))) {
                if (group.rank() == 0) {
                  first.set(Thread.currentThread());
                } else {
                  waitForStep(first);
                  Path better = Files.createDirectories(temporary.resolve("run/step-99"));
                  Files.writeString(
                      better.resolve("state.json"),
                      "{\"format_version\":1,\"step\":99,\"tokens\":0,\"data_position\":0,"
                          + "\"seed\":0,\"held_out_bound\":-1}");
                }
                Saves saves = new Saves(new ArrayList<>());
                trainer.run(folder, saves, () -> false);
                return saves.checkpoints();
              } catch (IOException failure) {
                throw new UncheckedIOException(failure);
              }
            });
    assertThat(saved.getFirst()).hasSizeGreaterThan(1);
    assertThat(saved.getLast()).isEqualTo(saved.getFirst());
  }

  private record Saves(List<Checkpoint> checkpoints) implements TrainingListener {
    @Override
    public void onCheckpoint(Checkpoint saved) {
      checkpoints.add(saved);
    }
  }

  /** Waits until a thread has looked at its folder, and waits in its first step for other ranks. */
  private static void waitForStep(AtomicReference<Thread> thread) {
    while (thread.get() == null
        || Arrays.stream(thread.get().getStackTrace())
            .noneMatch(frame -> frame.getClassName().equals(TrainingStep.class.getName()))) {
      Thread.onSpinWait();
    }
  }

  @Test
  void shardedRanksSayThatTheCauseIsUnknown() {
    Function<Trainer, Long> failing =
        trainer -> {
          Tensor scale = SmallModels.parameter(trainer.model(), "norm.weight").value();
          float[] bad = scale.toFloats();
          Arrays.fill(bad, Float.NaN);
          scale.set(bad);
          assertThatThrownBy(trainer::next)
              .isInstanceOf(NonFiniteException.class)
              .hasMessageContaining(
                  "first to go wrong: unknown, as the search needs one rank without sharding.");
          return trainer.stepsDone();
        };
    assertThat(onRanks(2, config(Strategy.NO_SHARD), failing)).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void aRankSendsAndHoldsWhatWasPlanned(Strategy strategy) {
    RunConfig config = config(strategy);
    InProcessRanks.run(
        2,
        group -> {
          long planned;
          Map<String, Long> bytes;
          try (ProcessGroup imagined = ProcessGroup.imagined(2, 1);
              Engine engine = Engine.on(Devices.cpu(1));
              PlannedStep step = new PlannedStep(engine, config, Ranks.of(imagined))) {
            planned = step.bytesSent();
            bytes = engine.device().memory().liveBytesByOwner();
          }
          try (Engine engine = Engine.on(Devices.cpu(1));
              Trainer trainer =
                  new Trainer(
                      engine, config, Dataset.open(config.data(), _ -> {}), Ranks.of(group))) {
            trainer.next();
            for (String owner : List.of("parameters", "gradients", "moments")) {
              long most = bytes.getOrDefault(owner, 0L);
              assertThat(engine.device().memory().liveBytesByOwner().get(owner))
                  .isLessThanOrEqualTo(most)
                  .isGreaterThan(group.rank() == 0 ? most - 1 : most / 2);
            }
          }
          long few = 2000; // Counts and losses of the micro-batches.
          assertThat(group.bytesSent()).isBetween(planned, planned + few);
          return 0;
        });
  }
}

package org.freetransformer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.eval.Evaluator;
import org.freetransformer.eval.PlanAnalysis;
import org.freetransformer.generate.IncrementalDecoder;
import org.freetransformer.model.Baseline;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.ModelConfig.Latent.PostSampler;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.KeyValueCache;
import org.freetransformer.nn.Resources;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.optim.WeightAverage;
import org.freetransformer.nn.sharding.ProcessGroup;
import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.train.CollapseRemedies;
import org.freetransformer.train.PlannedStep;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.ShardingConfig;
import org.freetransformer.train.Trainer;
import org.freetransformer.train.TrainingConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What fails for lack of memory gives back what it had taken. */
final class ScarceMemoryTest {
  private static final int AMPLE = Integer.MAX_VALUE;

  @TempDir private Path folder;
  private final AtomicInteger left = new AtomicInteger(AMPLE);
  private final Engine engine =
      Engine.on(scarce(Device.class, Devices.scalar(), "allocate|bind", left));

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(live()).isZero();
  }

  /** The same thing, of which some methods fail after so many calls as are left. */
  private static <T> T scarce(Class<T> type, T whole, String limited, AtomicInteger left) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (_, method, arguments) -> {
              if (method.getName().matches(limited) && left.getAndDecrement() <= 0) {
                throw new OutOfMemoryError("no more memory");
              }
              try {
                return method.invoke(whole, arguments);
              } catch (InvocationTargetException thrown) {
                throw thrown.getTargetException();
              }
            }));
  }

  private long live() {
    return engine.device().memory().liveBytes();
  }

  private LanguageModel model(ModelConfig.Kind kind) {
    return SmallModels.scrambled(engine, SmallModels.config(kind).build());
  }

  /**
   * Takes memory that ends after no allocation, one, two and so on, until there is enough.
   *
   * @param taking is given the memory, and returns what gives it back
   * @return how many allocations are enough
   */
  private int allocations(Supplier<Runnable> taking) {
    long before = live();
    for (int allowed = 0; ; allowed++) {
      left.set(allowed);
      try {
        Runnable giving = taking.get();
        giving.run();
        return allowed;
      } catch (OutOfMemoryError scarce) {
        assertThat(live()).as("after %d allocations", allowed).isEqualTo(before);
      } finally {
        left.set(AMPLE);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void newModels(ModelConfig.Kind kind) {
    ModelConfig config = SmallModels.config(kind).build();
    try (LanguageModel model = model(kind)) {
      int created = allocations(() -> LanguageModel.create(engine, config)::close);
      assertThat(created).isGreaterThan(model.parameters().size());
      Supplier<Runnable> direct =
          switch (kind) {
            case FREE -> () -> new FreeTransformer(engine, config)::close;
            case BASELINE -> () -> new Baseline(engine, config)::close;
          };
      assertThat(allocations(direct)).isEqualTo(created);
    }
  }

  @Test
  void optimizerAndAverage() {
    ModelConfig config = SmallModels.config(ModelConfig.Kind.BASELINE).build();
    allocations(() -> {
      try (Resources parts = new Resources()) {
        LanguageModel model = parts.add(LanguageModel.create(engine, config));
        AdamW.Config constants = new AdamW.Config(0.9, 0.95, 1e-8, 0.1);
        parts.add(new AdamW(engine, model.parameters(), constants));
        parts.add(new WeightAverage(engine, model.parameters(), 0.9));
        return parts.keep()::close;
      }
    });
  }

  @ParameterizedTest
  @EnumSource
  void evaluation(ModelConfig.Kind kind) {
    try (LanguageModel model = model(kind)) {
      allocations(() -> Evaluator.sampling(model, 2, 5, 1)::close);
      if (model instanceof FreeTransformer free) {
        allocations(() -> new PlanAnalysis(free, 2, 5)::close);
      }
    }
  }

  /** With all that takes memory: averages, loss scale, 16-bit weights, a watch of dead bits. */
  private static RunConfig training(boolean offload) {
    TrainingConfig training =
        TrainingConfig.builder()
            .batchSize(1)
            .gradientAccumulationSteps(2)
            .precision(Precision.FP16)
            .emaDecay(0.9)
            .remedies(CollapseRemedies.NONE.withDeadBitReset(2, 0.5))
            .sharding(
                new ShardingConfig(
                    true, Strategy.FULL_SHARD, 0, ShardingConfig.Exchange.FP32, false, 1, offload))
            .build();
    return new RunConfig(SmallModels.forPlanLetters(), training, DataConfig.planLetters(5));
  }

  @Test
  void training() {
    RunConfig config = training(false);
    try (Dataset data = Dataset.open(config.data(), _ -> {})) {
      int all = allocations(() -> new Trainer(engine, config, data)::close);
      assertThat(all).isGreaterThan(100);
    }
  }

  @Test
  void trainingThatTheHostHelps() {
    RunConfig config = training(true);
    long threads = groupThreads();
    try (Dataset data = Dataset.open(config.data(), _ -> {});
        Engine host = Engine.on(Devices.scalar())) {
      long before = host.device().memory().liveBytes();
      allocations(() -> {
        try {
          return new Trainer(engine, host, config, data, Ranks.ONE)::close;
        } finally {
          if (left.get() < 0) { // What was asked for and not given.
            assertThat(host.device().memory().liveBytes()).isEqualTo(before);
            assertThat(groupThreads()).isEqualTo(threads);
          }
        }
      });
      assertThat(host.device().memory().liveBytes()).isEqualTo(before);
    }
  }

  private static long groupThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("ft-rank"))
        .count();
  }

  @Test
  void aShareOfTraining() {
    RunConfig config = training(false);
    try (ProcessGroup group = ProcessGroup.imagined(2, 1)) {
      allocations(() -> new PlannedStep(engine, config, Ranks.of(group))::close);
    }
  }

  @Test
  void cachesAndDecoder() {
    try (LanguageModel model = model(ModelConfig.Kind.FREE)) {
      int caches =
          allocations(() -> {
            List<KeyValueCache> made = model.newCaches(2, 5);
            return () -> made.forEach(KeyValueCache::close);
          });
      assertThat(caches).isEqualTo(2 * 4);
      assertThat(allocations(() -> new IncrementalDecoder(model, 2, 5)::close))
          .isGreaterThan(caches);
    }
  }

  @Test
  void modelsOfAFile() throws IOException {
    Path file = folder.resolve("baseline.safetensors");
    try (LanguageModel model = model(ModelConfig.Kind.BASELINE)) {
      ModelFile.of(model, Map.of()).write(file);
      try (TensorStore store = TensorStore.open(file)) {
        assertThat(allocations(() -> ModelFile.load(engine, store)::close))
            .isGreaterThan(model.parameters().size());
        TensorStore failing = scarce(TensorStore.class, store, "rows", new AtomicInteger(3));
        Upcycling.Plan plan = new Upcycling.Plan(3, 0, PostSampler.TABLE);
        long before = live();
        assertThatThrownBy(() -> Upcycling.upcycle(engine, failing, plan))
            .isInstanceOf(OutOfMemoryError.class);
        assertThat(live()).isEqualTo(before);
      }
    }
  }
}

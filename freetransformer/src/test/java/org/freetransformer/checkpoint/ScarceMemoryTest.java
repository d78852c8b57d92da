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
import org.freetransformer.generate.IncrementalDecoder;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.ModelConfig.Latent.PostSampler;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.KeyValueCache;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
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
  private final Engine engine = Engine.on(scarce(Device.class, Devices.scalar(), "allocate", left));

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(live()).isZero();
  }

  /** The same thing, of which one method fails after so many calls as are left. */
  private static <T> T scarce(Class<T> type, T whole, String limited, AtomicInteger left) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (_, method, arguments) -> {
              if (method.getName().equals(limited) && left.getAndDecrement() <= 0) {
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
      assertThat(allocations(() -> LanguageModel.create(engine, config)::close))
          .isGreaterThan(model.parameters().size());
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

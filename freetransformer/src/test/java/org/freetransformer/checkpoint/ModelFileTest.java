package org.freetransformer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.SmallModels;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.memory.MemoryPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ModelFileTest {
  private static final String TABLE = "latent_plan.post_sampler_fc.weight";

  @TempDir private Path folder;
  private final Engine engine = Engine.on(Devices.scalar());

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  private static ModelConfig config(ModelConfig.Kind kind) {
    return SmallModels.config(kind).build();
  }

  private TensorFile whole() throws IOException {
    try (LanguageModel model = SmallModels.scrambled(engine, config(ModelConfig.Kind.FREE))) {
      Path file = folder.resolve("whole.safetensors");
      ModelFile.of(model, Map.of()).write(file);
      try (SafeTensors tensors = SafeTensors.open(file)) {
        List<TensorSource> sources = new ArrayList<>();
        for (TensorEntry entry : tensors.tensors()) {
          float[] values = tensors.floats(entry.name());
          sources.add(source(entry.name(), entry.shape(), values));
        }
        return new TensorFile(tensors.metadata(), sources);
      }
    }
  }

  private static TensorSource source(String name, List<Long> shape, float... values) {
    return TensorSource.of(name, TensorType.F32, shape, MemorySegment.ofArray(values));
  }

  /** Loading must fail with one line, and take no memory. */
  private void requireRefused(TensorFile content, String problem) throws IOException {
    Path file = folder.resolve("bad.safetensors");
    content.write(file);
    long before = engine.device().memory().liveBytes();
    try (SafeTensors tensors = SafeTensors.open(file)) {
      assertThatThrownBy(() -> ModelFile.load(engine, tensors))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("bad.safetensors")
          .hasMessageContaining(problem)
          .message()
          .doesNotContain("\n");
    }
    assertThat(engine.device().memory().liveBytes()).isEqualTo(before);
  }

  @ParameterizedTest
  @EnumSource
  void bringsBackEveryNumber(ModelConfig.Kind kind) throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (LanguageModel model = SmallModels.scrambled(engine, config(kind))) {
      ModelFile.of(model, Map.of("note", "kept")).write(file);
      try (SafeTensors tensors = SafeTensors.open(file);
          LanguageModel loaded = ModelFile.load(engine, tensors)) {
        assertThat(loaded.config()).isEqualTo(model.config());
        assertThat(tensors.metadata()).containsEntry("note", "kept");
        assertThat(loaded.parameters().keySet())
            .containsExactlyElementsOf(model.parameters().keySet());
        model
            .parameters()
            .forEach((name, parameter) ->
                assertThat(SmallModels.parameter(loaded, name).value().toFloats())
                    .as(name)
                    .isEqualTo(parameter.value().toFloats()));
      }
    }
  }

  @Test
  void holdsNoMomentsOfFrozenParameters() throws IOException {
    Path file = folder.resolve("optimizer.safetensors");
    AdamW.Config constants = new AdamW.Config(0.9, 0.95, 1e-8, 0.1);
    try (LanguageModel model = SmallModels.scrambled(engine, config(ModelConfig.Kind.FREE))) {
      SmallModels.parameter(model, TABLE).freeze();
      try (AdamW saved = new AdamW(engine, model.parameters(), constants);
          AdamW read = new AdamW(engine, model.parameters(), constants)) {
        Tensor moment = saved.moments("norm.weight").second();
        moment.set(SmallModels.parameter(model, "norm.weight").value().toFloats());
        ModelFile.of(model, saved).write(file);
        try (SafeTensors tensors = SafeTensors.open(file)) {
          assertThat(tensors.tensors())
              .extracting(TensorEntry::name)
              .noneMatch(name -> name.startsWith(TABLE));
          ModelFile.read(tensors, model, read);
        }
        assertThat(read.moments("norm.weight").second().toFloats()).isEqualTo(moment.toFloats());
        assertThat(ModelFile.optimizerOutline(model).tensors())
            .extracting(TensorSource::name)
            .containsExactlyElementsOf(
                ModelFile.of(model, saved).tensors().stream().map(TensorSource::name).toList());
      }
      model.parameters().values().forEach(parameter -> parameter.value().setGrad(null));
    }
  }

  /** In place or copied, as the file is aligned: on the device that computes on mapped memory. */
  @ParameterizedTest
  @ValueSource(ints = {0, 4})
  void weightsMayLieInTheFile(int shift) throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (LanguageModel model = SmallModels.scrambled(engine, config(ModelConfig.Kind.FREE));
        Arena arena = Arena.ofConfined();
        Engine fast = Engine.on(Devices.cpu(1))) {
      ModelFile.of(model, Map.of()).write(file);
      byte[] bytes = Files.readAllBytes(file);
      MemorySegment moved = arena.allocate(shift + bytes.length, MemoryPool.ALIGNMENT);
      MemorySegment.copy(bytes, 0, moved, ValueLayout.JAVA_BYTE, shift, bytes.length);
      SafeTensors tensors = SafeTensors.of(moved.asSlice(shift), "memory");
      try (LanguageModel loaded = ModelFile.load(fast, tensors)) {
        model
            .parameters()
            .forEach((name, parameter) ->
                assertThat(SmallModels.parameter(loaded, name).value().toFloats())
                    .as(name)
                    .isEqualTo(parameter.value().toFloats()));
        // The post-sampler's table is stored transposed: it never lies in the file.
        long own =
            shift == 0
                ? SmallModels.parameter(loaded, TABLE).size()
                : loaded.config().parameterCount();
        assertThat(fast.device().memory().liveBytesByOwner())
            .containsEntry("parameters", own * Float.BYTES);
      }
      assertThat(fast.device().memory().liveBytesByOwner()).doesNotContainKey("parameters");
    }
  }

  @Test
  void holdsThePostSamplerAsATorchLinearDoes() throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (LanguageModel model = SmallModels.scrambled(engine, config(ModelConfig.Kind.FREE))) {
      ModelFile.of(model, Map.of()).write(file);
      float[] table = SmallModels.parameter(model, TABLE).value().toFloats();
      try (SafeTensors tensors = SafeTensors.open(file)) {
        assertThat(tensors.tensor(TABLE).shape()).containsExactly(16L, 8L);
        float[] stored = tensors.floats(TABLE);
        for (int plan = 0; plan < 8; plan++) {
          for (int d = 0; d < 16; d++) {
            assertThat(stored[d * 8 + plan]).isEqualTo(table[plan * 16 + d]);
          }
        }
      }
    }
  }

  @Test
  void refusesTensorsThatAreMissingMisshapenOrLeftOver() throws IOException {
    TensorFile whole = whole();
    List<TensorSource> missing = new ArrayList<>(whole.tensors());
    missing.removeIf(tensor -> tensor.name().equals("norm.weight"));
    requireRefused(new TensorFile(whole.metadata(), missing), "norm.weight");

    List<TensorSource> misshapen = new ArrayList<>(missing);
    misshapen.add(source("norm.weight", List.of(4L, 4L), new float[16]));
    requireRefused(
        new TensorFile(whole.metadata(), misshapen),
        "tensor 'norm.weight' is F32 [4, 4]; its model needs F32 [16]");

    List<TensorSource> surplus = new ArrayList<>(whole.tensors());
    surplus.add(source("norm.weights", List.of(1L), 1));
    requireRefused(
        new TensorFile(whole.metadata(), surplus),
        "tensor 'norm.weights' is no part of its model; nearest is norm.weight");
  }

  @Test
  void refusesConfigurationsThatAreMissingWrongOrTooLargeForTheFile() throws IOException {
    TensorFile whole = whole();
    requireRefused(new TensorFile(Map.of(), whole.tensors()), "no key 'config'");
    requireRefused(changed(whole, "\"norm_eps\":", "\"norm_eps\":NaN,\"x\":"), "config");
    requireRefused(changed(whole, "\"num_heads\":4", "\"num_heads\":3"), "num_heads");
    requireRefused(changed(whole, "\"vocab_size\":11", "\"vocab_size\":\"many\""), "vocab_size");
    requireRefused(
        changed(whole, "\"vocab_size\":11", "\"vocab_size\":16000000"),
        "its configuration describes a model of");
  }

  private static TensorFile changed(TensorFile file, String from, String to) {
    Map<String, String> metadata = new LinkedHashMap<>(file.metadata());
    metadata.compute(
        ModelFile.CONFIG,
        (_, json) -> {
          assertThat(json).contains(from);
          return String.valueOf(json).replace(from, to);
        });
    return new TensorFile(metadata, file.tensors());
  }
}

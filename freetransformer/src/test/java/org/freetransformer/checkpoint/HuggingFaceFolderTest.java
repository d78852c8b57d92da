package org.freetransformer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.freetransformer.checkpoint.RecordingFileSystem.Change;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.RopeScaling;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Tiny Llamas whose weights the safetensors library wrote for PyTorch, and whose logits a separate
 * program computed in double precision from the published equations ({@code expected.json}).
 */
final class HuggingFaceFolderTest {
  private static final String SHARDED = "llama/sharded-bf16/";
  private static final String TIED = "llama/tied-f16/";
  private static final String SCALED = "llama/llama3-scaling/";

  @TempDir private Path folder;

  private final Engine engine = Engine.on(Devices.scalar());

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private Path sharded() {
    return Resources.copy(
        folder,
        SHARDED + "config.json",
        SHARDED + "model.safetensors.index.json",
        SHARDED + "model-00001-of-00002.safetensors",
        SHARDED + "model-00002-of-00002.safetensors");
  }

  private Path single(String name) {
    return Resources.copy(folder, name + "config.json", name + "model.safetensors");
  }

  private float[] logits(LanguageModel model, int... tokens) {
    int[] places = new int[tokens.length];
    Arrays.setAll(places, t -> t);
    try (Scope _ = engine.scope("test")) {
      Sequence sequence = Sequence.whole(engine.tensor(places, places.length));
      return model
          .logits(model.hidden(engine.tensor(tokens, 1, tokens.length), null, sequence, null))
          .toFloats();
    }
  }

  private void assertComputes(TensorStore store, String name) {
    ConfigNode.Mapping json = Resources.json(name + "expected.json");
    int[] tokens = Resources.numbers(json, "tokens").stream().mapToInt(Double::intValue).toArray();
    List<Double> expected = Resources.numbers(json, "logits");
    try (LanguageModel model = ModelFile.load(engine, store)) {
      float[] found = logits(model, tokens);
      assertThat(found).hasSize(expected.size());
      for (int i = 0; i < found.length; i++) {
        assertThat((double) found[i]).as("logit %d", i).isCloseTo(expected.get(i), within(1e-4));
      }
    }
  }

  @Test
  void aShardedFolderComputesItsLogits() {
    try (TensorStore store = TensorStore.open(sharded())) {
      assertThat(store.format()).isEqualTo("huggingface");
      assertThat(store.tensor("blocks.1.ffn.w3.weight"))
          .isEqualTo(new TensorEntry("blocks.1.ffn.w3.weight", TensorType.BF16, List.of(24L, 16L)));
      assertComputes(store, SHARDED);
    }
  }

  @Test
  void aTiedFolderComputesItsLogits() {
    try (TensorStore store = TensorStore.open(single(TIED))) {
      assertThat(ModelFile.config(store).tieEmbeddings()).isTrue();
      assertComputes(store, TIED);
    }
  }

  @Test
  void scaledPositionsComputeTheirLogits() throws IOException {
    Path path = single(SCALED);
    for (String config : List.of("config.json", "config-of-transformers-5.json")) {
      Files.write(path.resolve("config.json"), Resources.bytes(SCALED + config));
      try (TensorStore store = TensorStore.open(path)) {
        assertThat(ModelFile.config(store).ropeScaling()).isEqualTo(new RopeScaling(8, 1, 4, 16));
        assertComputes(store, SCALED);
      }
    }
  }

  @Test
  void goesToSafetensorsAndBack() throws IOException {
    Path ours = folder.resolve("ours.safetensors");
    Path theirs = folder.resolve("theirs");
    ModelConfig config;
    try (TensorStore store = TensorStore.open(sharded())) {
      config = ModelFile.config(store);
      Conversion.toSafeTensors(store, ours, TensorType.F32);
    }
    try (TensorStore store = TensorStore.open(ours)) {
      assertThat(ModelFile.config(store)).isEqualTo(config);
      assertComputes(store, SHARDED);
      // What was bf16 at first loses nothing by becoming so again.
      Conversion.toHuggingFace(store, null, theirs, TensorType.BF16);
    }
    try (TensorStore store = TensorStore.open(theirs)) {
      assertThat(ModelFile.config(store)).isEqualTo(config);
      assertThat(store.tensors()).extracting(TensorEntry::type).containsOnly(TensorType.BF16);
      assertComputes(store, SHARDED);
    }
  }

  @Test
  void writesTheConfigurationThatItRead() throws IOException {
    for (String name : List.of(SHARDED, TIED, SCALED)) {
      ModelConfig read = LlamaConfig.read(Resources.json(name + "config.json"));
      String written = ConfigJson.write(LlamaConfig.write(read, TensorType.F32));
      assertThat(LlamaConfig.read(ConfigJson.read(written, "config.json"))).isEqualTo(read);
    }
  }

  @Test
  void writesTheNamesThatItReads() throws IOException {
    try (SafeTensors file = SafeTensors.open(single(TIED).resolve(HuggingFaceFolder.WEIGHTS))) {
      for (TensorEntry entry : file.tensors()) {
        assertThat(LlamaNames.toTheirs(LlamaNames.toOurs(entry.name()))).isEqualTo(entry.name());
      }
    }
  }

  @Test
  void keepsTheTokenizer() throws IOException {
    Path from = single(TIED);
    Files.writeString(from.resolve("tokenizer.json"), "{}");
    Path to = folder.resolve("copy");
    try (TensorStore store = TensorStore.open(from)) {
      assertThat(store.metadata().get(ModelFile.DATA_CONFIG))
          .contains("\"text\"", "tokenizer.json");
      Conversion.toHuggingFace(store, from.resolve("tokenizer.json"), to, TensorType.F16);
    }
    assertThat(to.resolve("tokenizer.json")).hasContent("{}");
  }

  /** Before the folder gets its name, or a power failure could leave it with half a file. */
  @Test
  void flushesEveryFileThatItWrites() throws IOException {
    Path from = single(TIED);
    Path tokenizer = Files.writeString(from.resolve("tokenizer.json"), "{}");
    RecordingFileSystem recorder = new RecordingFileSystem();
    Path to = recorder.wrap(folder.toRealPath().resolve("copy"));
    try (TensorStore store = TensorStore.open(from)) {
      Conversion.toHuggingFace(store, tokenizer, to, TensorType.F16);
    }
    List<Path> made = new ArrayList<>();
    for (Change change : recorder.changes()) {
      switch (change) {
        case Change.MakeFile(Path file) -> made.add(file);
        case Change.Flush(Path path) -> made.remove(path);
        case Change.Rename _ -> assertThat(made).isEmpty();
        default -> {}
      }
    }
    assertThat(folder.resolve("copy/tokenizer.json")).hasContent("{}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "llama"                    | "mistral" | model_type: 'mistral' is unknown; allowed are llama
          "silu"                     | "gelu"    | hidden_act: 'gelu' is unknown; allowed are silu
          "attention_bias": false    | "attention_bias": true | attention_bias: true is not built
          "vocab_size": 19,          |           | vocab_size: is missing
          "use_cache": true          | "head_dim": 8 | head_dim: 8 beside hidden_size 16 and 4 heads
          "num_key_value_heads": 2   | "num_key_value_heads": 3 | num_kv_heads: 3 does not divide
          "rope_scaling": null       | "rope_scaling": {"rope_type": "yarn"} | rope_type: yarn is not built in this version; built are default and llama3
          "rms_norm_eps": 1e-05      | "rms_norm_eps": "x" | rms_norm_eps: must be a number
          "use_cache": true          | "quantization_config": {"bits": 4} | quantization_config
          "vocab_size": 19           | "vocab_size": 20 | tensor 'token_embedding.weight' is BF16 [19, 16]; its model needs F32 [20, 16]
          "num_hidden_layers": 2     | "num_hidden_layers": 1 | tensor 'blocks.1.attn_norm.weight' is no part of its model
          "num_hidden_layers": 2     | "num_hidden_layers": 4000 | describes a model of
          """)
  void refusesWhatItCannotBe(String text, String other, String problem) throws IOException {
    Path path = sharded().resolve("config.json");
    String config = Files.readString(path);
    assertThat(config).contains(text);
    Files.writeString(path, config.replace(text, other == null ? "" : other));
    assertThatThrownBy(
            () -> {
              try (TensorStore store = TensorStore.open(folder)) {
                ModelFile.load(engine, store).close();
              }
            })
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(folder.toString())
        .hasMessageContaining(problem);
  }

  @Test
  void namesWhatItLookedFor() throws IOException {
    assertThatThrownBy(() -> TensorStore.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("looked for config.json, and model.safetensors or");
    Path path = single(TIED);
    Files.delete(path.resolve("model.safetensors"));
    assertThatThrownBy(() -> TensorStore.open(path))
        .hasMessageEndingWith("looked for model.safetensors and model.safetensors.index.json");
    Files.write(path.resolve("pytorch_model.bin"), new byte[3]);
    assertThatThrownBy(() -> TensorStore.open(path))
        .hasMessageContaining("pytorch_model.bin is not read");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {}                                              | weight_map: is missing
          {"weight_map": {}}                              | weight_map: is missing
          {"weight_map": {"a": 1}}                        | 'a' must be in a .safetensors file
          {"weight_map": {"a": "../model.safetensors"}}   | 'a' must be in a .safetensors file
          {"weight_map": {"a": "/etc/x.safetensors"}}     | 'a' must be in a .safetensors file
          {"weight_map": {"a": "model-00001-of-00002.safetensors"}} | says that 'a' is in model-00001
          {"weight_map": {"a": "model-3.safetensors"}}    | looked for model-3.safetensors
          """)
  void refusesIndexes(String index, String problem) throws IOException {
    Path path = sharded();
    Files.writeString(path.resolve(HuggingFaceFolder.INDEX), index);
    assertThatThrownBy(() -> TensorStore.open(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(problem);
  }

  @Test
  void aFreeTransformerIsNoLlama() {
    Resources.copy(folder, "seed/free.pt");
    try (TensorStore store = TensorStore.open(folder.resolve("free.pt"))) {
      assertThatThrownBy(
              () -> Conversion.toHuggingFace(store, null, folder.resolve("x"), TensorType.F32))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("is a Free Transformer");
    }
    assertThat(folder.resolve("x")).doesNotExist();
  }
}

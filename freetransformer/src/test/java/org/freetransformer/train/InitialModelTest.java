package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Map;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.TensorEntry;
import org.freetransformer.checkpoint.TensorStore;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.model.ModelConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class InitialModelTest {
  private static final ModelConfig FREE =
      ModelConfig.builder()
          .vocabSize(29)
          .hiddenDim(16)
          .numLayers(2)
          .numHeads(4)
          .numKvHeads(2)
          .ffnHiddenDim(32)
          .maxSeqLen(66)
          .latentDim(4)
          .dropout(0.2)
          .build();
  private static final ModelConfig BASELINE =
      FREE.toBuilder().kind(ModelConfig.Kind.BASELINE).build();

  /** Of whose file only the metadata is read. */
  private record Saved(ModelConfig config) implements TensorStore {
    @Override
    public String format() {
      return "test";
    }

    @Override
    public String source() {
      return "saved";
    }

    @Override
    public Map<String, String> metadata() {
      return Map.of(ModelFile.CONFIG, ConfigJson.write(config.toMap()));
    }

    @Override
    public List<TensorEntry> tensors() {
      return List.of();
    }

    @Override
    public boolean has(String name) {
      return false;
    }

    @Override
    public TensorEntry tensor(String name) {
      throw new UnsupportedOperationException(name);
    }

    @Override
    public MemorySegment rows(String name, SegmentAllocator memory) {
      throw new UnsupportedOperationException(name);
    }

    @Override
    public void close() {}
  }

  private static ModelConfig completed(ModelConfig saved, String json) {
    ConfigNode.Mapping document = (ConfigNode.Mapping) ConfigJson.read(json, "run.json");
    ConfigNode.Mapping whole = new InitialModel(new Saved(saved)).complete(document);
    return RunConfig.read(whole, _ -> {}).model();
  }

  @Test
  void whatIsNotSaidIsTheSavedModels() {
    String data = "\"data\": {\"dataset_name\": \"plan-letters\"}";
    assertThat(completed(FREE, "{%s}".formatted(data))).isEqualTo(FREE);
    assertThat(completed(BASELINE, "{%s}".formatted(data))).isEqualTo(BASELINE);
    assertThat(completed(FREE, "{\"model\": null, %s}".formatted(data))).isEqualTo(FREE);
    assertThat(
            completed(
                FREE,
                "{\"model\": {\"hidden_dim\": 16, \"num_kv_heads\": null}, %s}".formatted(data)))
        .isEqualTo(FREE);
  }

  @Test
  void whatTouchesNoWeightMayDiffer() {
    ModelConfig changed =
        completed(
            FREE,
            """
            {"model": {"dropout": 0, "max_seq_len": 80, "latent": {"gradient": "sampled"}},
             "data": {"dataset_name": "plan-letters"}}\
            """);
    assertThat(changed.dropout()).isZero();
    assertThat(changed.maxSeqLen()).isEqualTo(80);
    assertThat(changed.latent().gradient()).isEqualTo(ModelConfig.Latent.Gradient.SAMPLED);
    assertThat(changed.latentDim()).isEqualTo(4);
    new InitialModel(new Saved(FREE)).requireShapeOf(changed);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "hidden_dim": 32                     | model.hidden_dim: is 32, but the run starts from saved
          "kind": "baseline"                   | model.kind: is baseline
          "tie_embeddings": false              | model.tie_embeddings: is false
          "latent": {"post_sampler": "bits"}   | model.latent.post_sampler: is bits
          "encoder": {"num_kv_heads": 4}       | model.encoder.num_kv_heads: is 4
          "rope_scaling": {"factor": 8}        | model.rope_scaling.factor: is 8
          """)
  void aContradictionIsNamed(String said, String problem) {
    assertThatThrownBy(() -> completed(FREE, "{\"model\": {%s}}".formatted(said)))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("run.json:1: " + problem)
        .hasMessageContaining("leave the key out, and it is ");
  }

  @Test
  void ofABaselinePlansDoNotMatter() {
    String document =
        "{\"model\": {%s\"latent_dim\": 9}, \"data\": {\"dataset_name\": \"plan-letters\"}}";
    ModelConfig said = completed(BASELINE, document.formatted("\"kind\": \"baseline\", "));
    assertThat(said.latentDim()).isEqualTo(9);
    new InitialModel(new Saved(BASELINE)).requireShapeOf(said);
    assertThatThrownBy(() -> completed(BASELINE, document.formatted("")))
        .hasMessageStartingWith("run.json:1: model.latent_dim: is for plans")
        .hasMessageEndingWith("model.kind: baseline trains it as it is");
    assertThatThrownBy(() -> new InitialModel(new Saved(FREE)).requireShapeOf(BASELINE))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "saved: has another shape: its kind is free, the configuration's model.kind is"
                + " baseline");
  }
}

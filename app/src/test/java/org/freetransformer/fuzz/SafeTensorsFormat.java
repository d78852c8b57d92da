package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.Conversion;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.TensorStore;
import org.freetransformer.checkpoint.TensorType;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;

/** A model as one safetensors file: those that this project writes, and one of Hugging Face's. */
final class SafeTensorsFormat implements Format {
  private final Path file;

  SafeTensorsFormat(Path folder) {
    file = folder.resolve("model.safetensors");
  }

  @Override
  public List<byte[]> seeds() throws IOException {
    try (Engine engine = Engine.on(Devices.scalar())) {
      return List.of(
          ours(engine, ModelConfig.Kind.FREE),
          ours(engine, ModelConfig.Kind.BASELINE),
          Resources.model("llama/tied-f16/model.safetensors"));
    }
  }

  /** The smallest model there can be, in bf16: most of the file is to be its header. */
  private byte[] ours(Engine engine, ModelConfig.Kind kind) throws IOException {
    ModelConfig config =
        ModelConfig.builder()
            .kind(kind)
            .vocabSize(3)
            .hiddenDim(4)
            .numLayers(2)
            .numHeads(2)
            .ffnHiddenDim(2)
            .maxSeqLen(4)
            .latentDim(2)
            .build();
    Path whole = file.resolveSibling("whole.safetensors");
    try (LanguageModel model = LanguageModel.create(engine, config)) {
      ModelFile.of(model, Map.of()).write(whole);
    }
    try (TensorStore store = TensorStore.open(whole)) {
      Conversion.toSafeTensors(store, file, TensorType.BF16);
    }
    return Files.readAllBytes(file);
  }

  @Override
  public List<String> words() {
    return Words.jsonAnd(
        "\"F32\"",
        "\"BF16\"",
        "\"U8\"",
        "\"data_offsets\":[0,0]",
        "\"shape\":[4294967296,4294967296,0]",
        "\"__metadata__\":{}",
        "\\\"latent_dim\\\":",
        "\\\"num_layers\\\":1000000000");
  }

  @Override
  public void read(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    ModelReader.readModel(file);
  }

  @Override
  public boolean isRefusal(Throwable problem) {
    return problem instanceof CheckpointException;
  }
}

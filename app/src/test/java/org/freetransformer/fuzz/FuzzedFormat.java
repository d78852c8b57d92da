package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;

/** The formats that are fuzzed. */
enum FuzzedFormat {
  SAFETENSORS,
  TORCH,
  PICKLE,
  MODEL_PICKLE,
  LLAMA_CONFIG,
  LLAMA_INDEX,
  TOKENIZER,
  TOKEN_MANIFEST,
  TOKEN_SHARD,
  TOKEN_ENDS,
  YAML,
  JSONL,
  PARQUET;

  /** The format; its files lie in this folder, which is empty. */
  Format in(Path folder) throws IOException {
    return switch (this) {
      case SAFETENSORS -> new SafeTensorsFormat(folder);
      case TORCH -> new TorchFormat(folder);
      case PICKLE -> new PickleFormat(folder, "tensors", false);
      case MODEL_PICKLE -> new PickleFormat(folder, "seed/baseline", true);
      case LLAMA_CONFIG ->
          new LlamaFolderFormat(folder, "llama/tied-f16", "config.json", "model.safetensors");
      case LLAMA_INDEX ->
          new LlamaFolderFormat(
              folder,
              "llama/sharded-bf16",
              "model.safetensors.index.json",
              "config.json",
              "model-00001-of-00002.safetensors",
              "model-00002-of-00002.safetensors");
      case TOKENIZER -> new TokenizerJsonFormat(folder);
      case TOKEN_MANIFEST -> new TokenFilesFormat(folder, TokenFilesFormat.MANIFEST);
      case TOKEN_SHARD -> new TokenFilesFormat(folder, "train-00000.tokens");
      case TOKEN_ENDS -> new TokenFilesFormat(folder, "train-00000.ends");
      case YAML -> new ConfigFileFormat(folder);
      case JSONL -> new JsonLinesFormat(folder);
      case PARQUET -> new ParquetFormat(folder);
    };
  }

  /** The format that the command line calls so. */
  static FuzzedFormat named(String name) {
    return Stream.of(values())
        .filter(format -> format.toString().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("there is no format " + name));
  }

  /** As on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}

package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;

/** The formats that are fuzzed. */
enum FuzzedFormat {
  SAFETENSORS(SafeTensorsFormat::new),
  TORCH(TorchFormat::new),
  PICKLE(folder -> new PickleFormat(folder, "tensors", false)),
  MODEL_PICKLE(folder -> new PickleFormat(folder, "baseline", true)),
  LLAMA_CONFIG(
      folder -> new LlamaFolderFormat(folder, "llama", "config.json", "model.safetensors")),
  LLAMA_INDEX(
      folder ->
          new LlamaFolderFormat(
              folder,
              "llama-sharded",
              "model.safetensors.index.json",
              "config.json",
              "model-00001-of-00002.safetensors",
              "model-00002-of-00002.safetensors")),
  TOKENIZER(TokenizerJsonFormat::new),
  TOKEN_MANIFEST(folder -> new TokenFilesFormat(folder, TokenFilesFormat.MANIFEST)),
  TOKEN_SHARD(folder -> new TokenFilesFormat(folder, "train-00000.tokens")),
  TOKEN_ENDS(folder -> new TokenFilesFormat(folder, "train-00000.ends")),
  YAML(ConfigFileFormat::new),
  JSONL(JsonLinesFormat::new),
  PARQUET(ParquetFormat::new);

  /** Makes a format that has a folder to itself. */
  @FunctionalInterface
  private interface Maker {
    Format in(Path folder) throws IOException;
  }

  private final Maker maker;

  FuzzedFormat(Maker maker) {
    this.maker = maker;
  }

  /** The format; its files lie in this folder, which is empty. */
  Format in(Path folder) throws IOException {
    return maker.in(folder);
  }

  /** As on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The format that the command line calls so. */
  static FuzzedFormat named(String name) {
    return Stream.of(values())
        .filter(format -> format.toString().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("there is no format " + name));
  }
}

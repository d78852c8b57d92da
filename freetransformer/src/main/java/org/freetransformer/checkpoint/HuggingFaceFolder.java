package org.freetransformer.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.Resources;

/**
 * A folder of a Llama model as Hugging Face's libraries write it: {@code config.json}, the weights
 * in {@code model.safetensors} or in several files that {@code model.safetensors.index.json} lists,
 * and perhaps {@code tokenizer.json}. It is read as a baseline, its tensors under this project's
 * names.
 */
public final class HuggingFaceFolder implements TensorStore {
  static final String CONFIG = "config.json";
  static final String WEIGHTS = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";
  private static final String PICKLED = "pytorch_model.bin";

  private static final long LONGEST_JSON = 1 << 26;

  private final Path folder;
  private final Map<String, SafeTensors> files = new LinkedHashMap<>();
  private final Map<String, Place> places = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Resources resources;

  /** Where a tensor stands, and its name there. */
  private record Place(SafeTensors file, String name) {}

  private HuggingFaceFolder(Path folder) {
    this.folder = folder;
    ModelConfig config = readConfig();
    try (Resources opened = new Resources()) {
      if (Files.exists(folder.resolve(INDEX))) {
        openShards(opened);
      } else {
        openFile(WEIGHTS, opened);
      }
      files.values().forEach(file -> take(file, config.tieEmbeddings()));
      describe(config);
      resources = opened.keep();
    }
  }

  private void describe(ModelConfig config) {
    metadata.put(ModelFile.CONFIG, ConfigJson.write(config.toMap()));
    Path tokenizer = folder.resolve(Checkpoint.TOKENIZER);
    if (Files.isRegularFile(tokenizer)) {
      metadata.put(ModelFile.DATA_CONFIG, textOf(tokenizer));
    }
    for (SafeTensors file : files.values()) {
      String data = file.metadata().get(ModelFile.DATA_CONFIG);
      if (data != null) {
        metadata.put(ModelFile.DATA_CONFIG, data);
      }
    }
  }

  /**
   * Opens a folder.
   *
   * @throws CheckpointException if it holds no Llama model, naming what was looked for
   */
  public static HuggingFaceFolder open(Path folder) {
    return new HuggingFaceFolder(folder);
  }

  /** Whether a folder looks like one of these. */
  public static boolean isOne(Path folder) {
    return Files.exists(folder.resolve(CONFIG));
  }

  private ModelConfig readConfig() {
    try {
      return LlamaConfig.read(readJson(CONFIG));
    } catch (ConfigException wrong) {
      throw CheckpointException.of(source(), wrong);
    }
  }

  private ConfigNode readJson(String name) {
    Path file = folder.resolve(name);
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(
          source(),
          "is no folder of a Llama model: looked for %s, and %s or %s"
              .formatted(CONFIG, WEIGHTS, INDEX));
    }
    try {
      if (Files.size(file) > LONGEST_JSON) {
        throw new CheckpointException(
            file.toString(), "has more than the %d bytes that are read".formatted(LONGEST_JSON));
      }
      return ConfigJson.read(Files.readString(file), name);
    } catch (IOException unreadable) {
      throw new CheckpointException(file.toString(), "cannot be read, or is not UTF-8", unreadable);
    }
  }

  private void openShards(Resources opened) {
    try {
      shardsOf(readJson(INDEX)).forEach((tensor, name) -> openShard(tensor, name, opened));
    } catch (ConfigException wrong) {
      throw CheckpointException.of(source(), wrong);
    }
  }

  private void openShard(String tensor, String name, Resources opened) {
    if (!openFile(name, opened).has(tensor)) {
      throw new CheckpointException(
          source(), "%s says that '%s' is in %s, but it is not".formatted(INDEX, tensor, name));
    }
  }

  /** The file of every tensor, by the tensor's name. */
  private static Map<String, String> shardsOf(ConfigNode json) {
    if (!(json instanceof ConfigNode.Mapping top)
        || !(top.entries().get("weight_map") instanceof ConfigNode.Mapping map)
        || map.entries().isEmpty()) {
      throw new ConfigException("weight_map", "is missing; it names the file of every tensor")
          .at(json.origin(), "weight_map");
    }
    Map<String, String> shards = new LinkedHashMap<>();
    map.entries()
        .forEach((tensor, node) -> {
          if (!(node instanceof ConfigNode.Scalar(String name, var _)) || !isPlainName(name)) {
            throw new ConfigException(
                    "weight_map",
                    "'%s' must be in a .safetensors file of the folder".formatted(tensor))
                .at(node.origin(), "weight_map");
          }
          shards.put(tensor, name);
        });
    return shards;
  }

  /** An index may not lead out of its folder. */
  private static boolean isPlainName(String name) {
    return name.matches("[\\w.-]{1,200}\\.safetensors");
  }

  private SafeTensors openFile(String name, Resources opened) {
    Path file = folder.resolve(name);
    if (!Files.isRegularFile(file)) {
      String looked = name.equals(WEIGHTS) ? WEIGHTS + " and " + INDEX : name;
      String other =
          Files.exists(folder.resolve(PICKLED))
              ? "; %s is not read: save the model as safetensors".formatted(PICKLED)
              : "";
      throw new CheckpointException(
          source(), "has no weights: looked for %s%s".formatted(looked, other));
    }
    return files.computeIfAbsent(name, _ -> opened.add(SafeTensors.open(file)));
  }

  private void take(SafeTensors file, boolean tied) {
    for (TensorEntry entry : file.tensors()) {
      String name = entry.name();
      boolean copy = tied && name.equals(LlamaNames.OUTPUT);
      if (!LlamaNames.isBuffer(name) && !copy) {
        Place before = places.put(LlamaNames.toOurs(name), new Place(file, name));
        if (before != null) {
          throw new CheckpointException(
              file.source(),
              "holds the tensor '%s', which is in %s too".formatted(name, before.file().source()));
        }
      }
    }
  }

  private static String textOf(Path tokenizer) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("dataset_name", "text");
    data.put("tokenizer", tokenizer.toString());
    return ConfigJson.write(data);
  }

  @Override
  public String format() {
    return "huggingface";
  }

  @Override
  public String source() {
    return folder.toString();
  }

  @Override
  public Map<String, String> metadata() {
    return Map.copyOf(metadata);
  }

  @Override
  public List<TensorEntry> tensors() {
    return new ArrayList<>(places.keySet()).stream().map(this::tensor).toList();
  }

  @Override
  public boolean has(String name) {
    return places.containsKey(name);
  }

  @Override
  public TensorEntry tensor(String name) {
    Place place = place(name);
    TensorEntry entry = place.file().tensor(place.name());
    return new TensorEntry(name, entry.type(), entry.shape());
  }

  private Place place(String name) {
    Place place = places.get(name);
    if (place == null) {
      throw CheckpointException.noTensor(source(), name, places.keySet());
    }
    return place;
  }

  @Override
  public MemorySegment rows(String name, SegmentAllocator memory) {
    Place place = place(name);
    return place.file().rows(place.name(), memory);
  }

  @Override
  public void close() {
    resources.close();
  }
}

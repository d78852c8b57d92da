package org.freetransformer.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint of the original repository (github.com/udapy/free-transformer), or a plain state
 * dictionary of its models, saved by PyTorch: {@code {"model_state_dict": …, "step": …, …}}. Its
 * tensors have this project's names; buffers are left out, and so is an output layer that is the
 * embedding itself. The configuration is told from the shapes.
 */
public final class SeedCheckpoint implements TensorStore {
  private static final String MODEL = "model_state_dict";
  private static final String STEP = "step";
  private static final String EMBEDDING = "token_embedding.weight";
  private static final String ZETA = "encoder.zeta";
  private static final String OUTPUT = "output.weight";
  private static final Pattern BUFFER =
      Pattern.compile(
          "(.*\\.)?rope\\.(inv_freq|cos_cached|sin_cached)|latent_plan\\.binary_mapper\\.powers");

  private final TorchFile file;
  private final Map<String, TorchTensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata;

  private SeedCheckpoint(TorchFile file) {
    this.file = file;
    Map<String, TorchTensor> state = state();
    ModelConfig config = new SeedShapes(state, file.source()).config(isTied(state));
    state.forEach((name, tensor) -> {
      boolean copy = name.equals(OUTPUT) && config.tieEmbeddings();
      if (!BUFFER.matcher(name).matches() && !copy) {
        tensors.put(name, name.equals(ZETA) ? withoutUnitAxes(tensor) : tensor);
      }
    });
    this.metadata =
        Map.of(
            ModelFile.CONFIG,
            ConfigJson.write(config.toMap()),
            ModelFile.DATA_CONFIG,
            ConfigJson.write(dataConfig(config)));
  }

  /**
   * Opens a file.
   *
   * @throws CheckpointException if it cannot be read, or holds no model of the original repository
   */
  public static SeedCheckpoint open(Path path) {
    return of(TorchFile.open(path));
  }

  /** Takes over a file that is open; it is closed if it holds no model. */
  static SeedCheckpoint of(TorchFile file) {
    try {
      return new SeedCheckpoint(file);
    } catch (RuntimeException | Error refused) {
      file.close();
      throw refused;
    }
  }

  private Map<String, TorchTensor> state() {
    Map<?, ?> root = file.dictionary();
    Object inner = root.get(MODEL);
    Map<?, ?> entries = inner instanceof Map<?, ?> model ? model : root;
    Map<String, TorchTensor> state = new LinkedHashMap<>();
    entries.forEach((name, value) -> {
      if (name instanceof String text && value instanceof TorchTensor tensor) {
        state.put(text, tensor);
      }
    });
    if (!state.containsKey(EMBEDDING)) {
      throw new CheckpointException(
          file.source(),
          "holds no model of the original repository: looked for the tensor '%s' in '%s' and at the top, found %s"
              .formatted(EMBEDDING, MODEL, summary(root)));
    }
    return state;
  }

  /** The original repository stores ζ as [1, 1, D]. */
  private static TorchTensor withoutUnitAxes(TorchTensor tensor) {
    int axes = tensor.shape().size();
    boolean units =
        tensor.shape().stream().limit(Math.max(0, axes - 1)).allMatch(size -> size == 1);
    return axes < 2 || !units
        ? tensor
        : new TorchTensor(
            tensor.type(),
            tensor.shape().subList(axes - 1, axes),
            tensor.strides().subList(axes - 1, axes),
            tensor.offset(),
            tensor.storage(),
            tensor.bytes());
  }

  private static String summary(Map<?, ?> root) {
    List<String> keys =
        root.keySet().stream().limit(5).map(key -> "'" + shortened(key) + "'").toList();
    return keys.isEmpty() ? "nothing" : String.join(", ", keys);
  }

  private static String shortened(Object key) {
    String text = key.toString().replaceAll("\\P{Print}", "?");
    return text.length() <= 60 ? text : text.substring(0, 60) + "…";
  }

  /** Tied layers are one storage in the file; a plain copy of the embedding is none. */
  private static boolean isTied(Map<String, TorchTensor> state) {
    TorchTensor output = state.get(OUTPUT);
    return output == null || output.equals(state.get(EMBEDDING));
  }

  /** Optimizer steps done when it was saved, or null if it does not say. */
  public @Nullable Long step() {
    return file.dictionary().get(STEP) instanceof Long step ? step : null;
  }

  /** Every model of the original repository is trained on its synthetic tokens. */
  private static Map<String, Object> dataConfig(ModelConfig model) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("dataset_name", "synthetic");
    data.put("max_length", model.maxSeqLen());
    data.put("synthetic_vocab_size", model.vocabSize());
    data.put("synthetic_seq_length", Math.max(2, model.maxSeqLen()));
    return data;
  }

  @Override
  public String format() {
    return "pytorch";
  }

  @Override
  public String source() {
    return file.source();
  }

  @Override
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public List<TensorEntry> tensors() {
    return tensors.keySet().stream().map(this::tensor).toList();
  }

  @Override
  public boolean has(String name) {
    return tensors.containsKey(name);
  }

  @Override
  public TensorEntry tensor(String name) {
    TorchTensor tensor = torchTensor(name);
    return new TensorEntry(name, tensor.type(), tensor.shape());
  }

  private TorchTensor torchTensor(String name) {
    TorchTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw CheckpointException.noTensor(source(), name, tensors.keySet());
    }
    return tensor;
  }

  @Override
  public MemorySegment rows(String name, SegmentAllocator memory) {
    return torchTensor(name).rows(memory).asReadOnly();
  }

  @Override
  public void close() {
    file.close();
  }
}

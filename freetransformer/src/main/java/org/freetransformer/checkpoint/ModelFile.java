package org.freetransformer.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.Nearest;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.memory.MemoryPool;

/**
 * A model and its optimizer as safetensors: the parameters under their full names, the
 * configuration as JSON in the metadata under {@value #CONFIG}; the optimizer's moments under the
 * parameters' names with {@value #FIRST_MOMENT} or {@value #SECOND_MOMENT} behind.
 */
public final class ModelFile {
  /** Metadata key of the model's configuration. */
  public static final String CONFIG = "config";

  /** Metadata key of the configuration of the data it was trained on. */
  public static final String DATA_CONFIG = "data_config";

  private static final String PARAMETERS = "parameters";
  static final String FIRST_MOMENT = ".first_moment";
  static final String SECOND_MOMENT = ".second_moment";

  private static final int STRIP = 64;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** A table of rotary angles up to this size, 64 MiB, needs no model to match. */
  private static final long ALWAYS_PLAUSIBLE_ANGLES = 1 << 24;

  private ModelFile() {}

  /**
   * What to write for a model.
   *
   * @param moreMetadata further texts, such as the data's configuration
   */
  public static TensorFile of(LanguageModel model, Map<String, String> moreMetadata) {
    Map<String, String> metadata = new LinkedHashMap<>(moreMetadata);
    metadata.put(CONFIG, ConfigJson.write(model.config().toMap()));
    List<TensorSource> tensors = new ArrayList<>();
    model
        .parameters()
        .forEach((name, parameter) ->
            tensors.add(TensorSource.of(name, parameter.stored(parameter.value()))));
    return new TensorFile(metadata, tensors);
  }

  /** What to write for a model's optimizer: the moments of all trained parameters. */
  public static TensorFile of(LanguageModel model, AdamW optimizer) {
    List<TensorSource> tensors = new ArrayList<>();
    Parameter.trained(model.parameters())
        .forEach((name, parameter) -> {
          AdamW.Moments moments = optimizer.moments(name);
          tensors.add(TensorSource.of(name + FIRST_MOMENT, parameter.stored(moments.first())));
          tensors.add(TensorSource.of(name + SECOND_MOMENT, parameter.stored(moments.second())));
        });
    return new TensorFile(Map.of(), tensors);
  }

  /** What is written for the optimizer of a model whose ranks write their moments themselves. */
  public static TensorFile optimizerOutline(LanguageModel model) {
    List<TensorSource> tensors = new ArrayList<>();
    Parameter.trained(model.parameters())
        .forEach((name, parameter) -> {
          Tensor like = parameter.stored(parameter.value());
          tensors.add(TensorSource.of(name + FIRST_MOMENT, like));
          tensors.add(TensorSource.of(name + SECOND_MOMENT, like));
        });
    return new TensorFile(Map.of(), tensors);
  }

  /**
   * The configuration in a file's metadata.
   *
   * @throws CheckpointException if there is none, or it is not valid
   */
  public static ModelConfig config(TensorStore file) {
    String json = file.metadata().get(CONFIG);
    if (json == null) {
      throw new CheckpointException(
          file.source(), "holds no model configuration: its metadata has no key '" + CONFIG + "'");
    }
    try {
      return ModelConfig.read(ConfigJson.read(json, file.source() + ", metadata " + CONFIG));
    } catch (ConfigException wrong) {
      throw CheckpointException.of(file.source(), wrong);
    }
  }

  /**
   * Makes the model of a file on an engine, to be used but not trained: its weights may lie in the
   * mapped file, which must stay open as long.
   *
   * @throws CheckpointException if the configuration or a parameter is missing or does not fit
   */
  public static LanguageModel load(Engine engine, TensorStore file) {
    ModelConfig config = config(file);
    requirePlausible(file, config);
    LanguageModel model = LanguageModel.createWithoutWeights(engine, config);
    try {
      requireKnown(file, model.parameters().keySet());
      model.parameters().forEach((name, parameter) -> adopt(file, name, parameter));
      return model;
    } catch (RuntimeException | Error failure) {
      model.close();
      throw failure;
    }
  }

  /**
   * A configuration may claim any size: memory is taken only for a model that the file could fill
   * at least by half; what is missing then is told by name.
   */
  static void requirePlausible(TensorStore file, ModelConfig config) {
    long held = file.tensors().stream().mapToLong(TensorEntry::elements).sum();
    if (config.parameterCount() / 2 > held) {
      throw new CheckpointException(
          file.source(),
          "its configuration describes a model of %d parameters, but it holds %d"
              .formatted(config.parameterCount(), held));
    }
    long angles = (long) config.maxSeqLen() * config.headDim();
    if (angles > Math.max(ALWAYS_PLAUSIBLE_ANGLES, held)) {
      throw new CheckpointException(
          file.source(),
          "its configuration asks for %d positions, which take more memory than its %d parameters"
              .formatted(config.maxSeqLen(), held));
    }
  }

  /**
   * Reads all parameters of a model.
   *
   * @throws CheckpointException if one is missing, has another shape or type, or is left over
   */
  public static void read(TensorStore file, LanguageModel model) {
    Map<String, Tensor> stored = new LinkedHashMap<>();
    model
        .parameters()
        .forEach((name, parameter) -> stored.put(name, parameter.stored(parameter.value())));
    readAll(file, stored);
  }

  /**
   * Reads the moments of an optimizer, those of all trained parameters.
   *
   * @throws CheckpointException if one is missing, has another shape or type, or is left over
   */
  public static void read(TensorStore file, LanguageModel model, AdamW optimizer) {
    Map<String, Tensor> stored = new LinkedHashMap<>();
    Parameter.trained(model.parameters())
        .forEach((name, parameter) -> {
          AdamW.Moments moments = optimizer.moments(name);
          stored.put(name + FIRST_MOMENT, parameter.stored(moments.first()));
          stored.put(name + SECOND_MOMENT, parameter.stored(moments.second()));
        });
    readAll(file, stored);
  }

  private static void readAll(TensorStore file, Map<String, Tensor> stored) {
    requireKnown(file, stored.keySet());
    stored.forEach((name, tensor) -> copy(file, name, tensor));
  }

  /**
   * Gives a parameter the weights of a file where they are, if they lie there as they are used; a
   * tensor of its own if not.
   */
  private static void adopt(TensorStore file, String name, Parameter parameter) {
    Tensor none = parameter.value();
    Engine engine = none.engine();
    TensorType type = requireFitting(file, name, parameter.stored(none));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stored = file.rows(name, arena);
      MemorySegment rows = converted(file.tensor(name), stored, type, arena);
      boolean outlivesThis = !rows.scope().equals(arena.scope());
      boolean aligned = rows.address() % MemoryPool.ALIGNMENT == 0;
      parameter.replace(
          outlivesThis && aligned && !parameter.isStoredTransposed()
              ? engine.adopt(PARAMETERS, none.dtype(), none.shape(), rows)
              : engine.filled(
                  PARAMETERS, none.dtype(), none.shape(), memory -> put(parameter, rows, memory)));
    }
  }

  /** Writes a parameter's elements, from those of the file, as they are used. */
  private static void put(Parameter parameter, MemorySegment rows, MemorySegment memory) {
    if (parameter.isStoredTransposed()) {
      Tensor value = parameter.value();
      transpose(rows, value.dim(1), value.dim(0), memory);
    } else {
      memory.copyFrom(rows);
    }
  }

  /**
   * Writes floats [rows, columns] as [columns, rows], by way of arrays, whose loops are fast before
   * they are compiled: a kernel for it would be used this once.
   */
  private static void transpose(MemorySegment matrix, int rows, int columns, MemorySegment result) {
    float[][] strip = new float[Math.min(STRIP, rows)][columns];
    float[] run = new float[strip.length];
    for (int row = 0; row < rows; row += STRIP) {
      int height = Math.min(STRIP, rows - row);
      for (int i = 0; i < height; i++) {
        long at = (row + i) * (long) columns * Float.BYTES;
        MemorySegment.copy(matrix, FLOAT, at, strip[i], 0, columns);
      }
      for (int j = 0; j < columns; j++) {
        for (int i = 0; i < height; i++) {
          run[i] = strip[i][j];
        }
        long at = (j * (long) rows + row) * Float.BYTES;
        MemorySegment.copy(run, 0, result, FLOAT, at, height);
      }
    }
  }

  /** Demands that a file holds no other tensors than those named. */
  static void requireKnown(TensorStore file, Set<String> names) {
    for (TensorEntry entry : file.tensors()) {
      if (!names.contains(entry.name())) {
        String near = Nearest.to(entry.name(), names).map(n -> "; nearest is " + n).orElse("");
        throw new CheckpointException(
            file.source(), "tensor '%s' is no part of its model%s".formatted(entry.name(), near));
      }
    }
  }

  /** Fills a tensor from a file that must hold one of its shape, and of its type or any float. */
  static void copy(TensorStore file, String name, Tensor stored) {
    TensorType type = requireFitting(file, name, stored);
    Engine engine = stored.engine();
    try (Scope _ = engine.scope("checkpoint");
        Arena arena = Arena.ofConfined()) {
      MemorySegment rows = converted(file.tensor(name), file.rows(name, arena), type, arena);
      if (stored.buffer().isContiguous()) {
        stored.set(rows);
      } else {
        Tensor values = engine.empty(stored.dtype(), stored.shape()).set(rows);
        engine.emit(new Instruction.Copy(values.buffer(), Output.to(stored.buffer())));
      }
    }
  }

  /** The type that a tensor needs, after checking that the file's can be read as it. */
  private static TensorType requireFitting(TensorStore file, String name, Tensor stored) {
    TensorEntry entry = file.tensor(name);
    TensorType type = TensorType.valueOf(stored.dtype().name());
    boolean readable =
        entry.type() == type
            || (FloatElements.isFloat(type) && FloatElements.isFloat(entry.type()));
    if (!readable || !entry.shape().equals(TensorSource.shapeOf(stored))) {
      throw new CheckpointException(
          file.source(),
          "tensor '%s' is %s %s; its model needs %s %s"
              .formatted(name, entry.type(), entry.shape(), type, TensorSource.shapeOf(stored)));
    }
    return type;
  }

  /** The elements as another type; the same memory if they are of it. */
  static MemorySegment converted(
      TensorEntry entry, MemorySegment rows, TensorType type, Arena arena) {
    if (entry.type() == type) {
      return rows;
    }
    MemorySegment values = arena.allocate(entry.elements() * type.bytes(), type.bytes());
    FloatElements.convert(entry.type(), rows, 0, type, values);
    return values;
  }
}

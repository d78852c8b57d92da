package org.freetransformer.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.UnaryOperator;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * Writes a saved model in another format, tensor by tensor: no more than a few megabytes of it are
 * in memory at once, or one tensor where that does not stand row by row in its file.
 */
public final class Conversion {
  private static final long CHUNK_ELEMENTS = 1 << 20;
  private static final double LARGEST_BF16 = 0x1.FEp127;

  private Conversion() {}

  /**
   * Writes one safetensors file with the configuration in its metadata.
   *
   * @param type of the floats in the file; null for those they have
   * @throws CheckpointException if a number is too large for the type
   * @throws IOException if it cannot be written; nothing is left behind then
   */
  public static void toSafeTensors(TensorStore model, Path file, @Nullable TensorType type)
      throws IOException {
    new TensorFile(model.metadata(), sources(model, UnaryOperator.identity(), type)).write(file);
  }

  /**
   * Writes a folder that Hugging Face's libraries load: {@code config.json} and {@code
   * model.safetensors}, and a copy of the tokenizer's file if there is one. A folder of this name
   * is replaced.
   *
   * @param tokenizer a {@code tokenizer.json}, or null
   * @param type of the floats in the file; null for those they have
   * @throws CheckpointException if the model is a Free Transformer, which no Llama can hold, or a
   *     number is too large for the type
   * @throws IOException if it cannot be written; nothing is left behind then
   */
  public static void toHuggingFace(
      TensorStore model, @Nullable Path tokenizer, Path folder, @Nullable TensorType type)
      throws IOException {
    ModelConfig config = ModelFile.config(model);
    if (config.kind() != ModelConfig.Kind.BASELINE) {
      throw new CheckpointException(
          model.source(),
          "is a Free Transformer, and a folder of a Llama model has no place for its plan; allowed"
              + " are baselines; write a .safetensors file instead");
    }
    Map<String, String> metadata = new LinkedHashMap<>(model.metadata());
    metadata.remove(ModelFile.CONFIG);
    metadata.put("format", "pt"); // Hugging Face's loader demands it.
    TensorFile weights = new TensorFile(metadata, sources(model, LlamaNames::toTheirs, type));
    String json = ConfigJson.write(LlamaConfig.write(config, typeOf(model, type))) + "\n";
    AtomicDirectory.write(
        folder,
        temporary -> {
          AtomicFile.create(temporary.resolve(HuggingFaceFolder.WEIGHTS), weights::writeTo);
          AtomicFile.create(
              temporary.resolve(HuggingFaceFolder.CONFIG),
              channel -> channel.write(ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8))));
          if (tokenizer != null) {
            byte[] content = Files.readAllBytes(tokenizer);
            AtomicFile.create(
                temporary.resolve(Checkpoint.TOKENIZER),
                channel -> channel.write(ByteBuffer.wrap(content)));
          }
        });
  }

  private static TensorType typeOf(TensorStore model, @Nullable TensorType type) {
    return type == null ? model.tensors().getFirst().type() : type;
  }

  private static List<TensorSource> sources(
      TensorStore model, UnaryOperator<String> names, @Nullable TensorType type) {
    List<TensorSource> sources = new ArrayList<>();
    for (TensorEntry entry : model.tensors()) {
      TensorType written =
          type == null || !FloatElements.isFloat(entry.type()) ? entry.type() : type;
      sources.add(
          new TensorSource(
              names.apply(entry.name()),
              written,
              entry.shape(),
              channel -> write(model, entry, written, channel)));
    }
    return sources;
  }

  private static void write(
      TensorStore model, TensorEntry entry, TensorType type, WritableByteChannel channel)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment rows = model.rows(entry.name(), arena);
      long elements = entry.elements();
      MemorySegment buffer =
          arena.allocate(Math.min(elements, CHUNK_ELEMENTS) * type.bytes(), type.bytes());
      for (long at = 0; at < elements; at += CHUNK_ELEMENTS) {
        long count = Math.min(CHUNK_ELEMENTS, elements - at);
        MemorySegment chunk = buffer.asSlice(0, count * type.bytes());
        FloatElements.convert(entry.type(), rows, at, type, chunk);
        if (type != entry.type()) {
          OptionalDouble lost = FloatElements.firstOverflow(entry.type(), rows, at, type, chunk);
          if (lost.isPresent()) {
            throw tooLarge(model, entry, type, lost.getAsDouble());
          }
        }
        channel.write(chunk.asByteBuffer());
      }
    }
  }

  private static CheckpointException tooLarge(
      TensorStore model, TensorEntry entry, TensorType type, double value) {
    boolean fitsBf16 = type == TensorType.F16 && Math.abs(value) <= LARGEST_BF16;
    return new CheckpointException(
        model.source(),
        "the tensor '%s' has the number %s, and %s none so large; nearest is %s"
            .formatted(entry.name(), value, type, fitsBf16 ? TensorType.BF16 : entry.type()));
  }
}

package org.freetransformer.bench.suite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;
import org.freetransformer.checkpoint.Conversion;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.SafeTensors;
import org.freetransformer.checkpoint.TensorType;
import org.freetransformer.model.Baseline;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;

/**
 * A folder with a random Llama as Hugging Face's libraries write one. Closing deletes it.
 *
 * @param top a temporary folder, in which it lies
 */
public record LlamaFolder(Path top) implements AutoCloseable {
  /**
   * Writes one.
   *
   * @param config of a baseline
   * @param type of the weights in the file
   * @throws UncheckedIOException if it cannot be written
   */
  public static LlamaFolder random(ModelConfig config, TensorType type) {
    try (Engine engine = Place.cpu(1).engine();
        Baseline model = new Baseline(engine, config)) {
      Path top = Files.createTempDirectory("ft-llama");
      LlamaFolder folder = new LlamaFolder(top);
      Path file = top.resolve("model.safetensors");
      ModelFile.of(model, Map.of()).write(file);
      try (SafeTensors saved = SafeTensors.open(file)) {
        Conversion.toHuggingFace(saved, null, folder.path(), type);
      }
      Files.delete(file);
      return folder;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** The folder with {@code config.json}. */
  public Path path() {
    return top.resolve("llama");
  }

  @Override
  public void close() {
    try (Stream<Path> files = Files.walk(top)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}

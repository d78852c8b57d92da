package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.freetransformer.checkpoint.CheckpointException;

/** One JSON file of a Hugging Face Llama folder, whose other files are whole. */
final class LlamaFolderFormat implements Format {
  private final Path folder;
  private final byte[] seed;
  private final Path file;

  /**
   * A format of the file {@code fuzzed}.
   *
   * @param model the folder's name among the test's models
   * @param others the names of the folder's other files
   */
  LlamaFolderFormat(Path folder, String model, String fuzzed, String... others) throws IOException {
    this.folder = folder;
    seed = Resources.model(model + "/" + fuzzed);
    file = folder.resolve(fuzzed);
    for (String name : others) {
      Files.write(folder.resolve(name), Resources.model(model + "/" + name));
    }
  }

  @Override
  public List<byte[]> seeds() {
    return List.of(seed);
  }

  @Override
  public List<String> words() {
    return Words.jsonAnd(
        "\"llama3\"",
        "\"rope_scaling\":{",
        "\"rope_type\":\"linear\"",
        "\"factor\":",
        "\"head_dim\":8,",
        "../model.safetensors",
        "/model.safetensors",
        "1073741824");
  }

  @Override
  public void read(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    ModelReader.readModel(folder);
  }

  @Override
  public boolean isRefusal(Throwable problem) {
    return problem instanceof CheckpointException;
  }
}

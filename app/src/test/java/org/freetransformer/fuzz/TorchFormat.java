package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.freetransformer.checkpoint.CheckpointException;

/** Whole archives of {@code torch.save}, with a model or with other things. */
final class TorchFormat implements Format {
  private final Path file;

  TorchFormat(Path folder) {
    file = folder.resolve("model.pt");
  }

  @Override
  public List<byte[]> seeds() throws IOException {
    return List.of(
        Resources.model("seed/baseline.pt"),
        Resources.model("tensors.pt"),
        Resources.model("hostile.pt"));
  }

  @Override
  public List<String> words() {
    return Words.PICKLE;
  }

  @Override
  public void read(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    try {
      ModelReader.readTorch(file);
    } finally {
      ModelReader.readModel(file);
    }
  }

  @Override
  public boolean isRefusal(Throwable problem) {
    return problem instanceof CheckpointException;
  }
}

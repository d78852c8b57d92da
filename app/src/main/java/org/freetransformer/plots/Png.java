package org.freetransformer.plots;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.freetransformer.run.OutputFiles;

/** Pictures as PNG files, each whole or not there. */
final class Png {
  private Png() {}

  static void write(Path file, BufferedImage image) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    // A cache in a file would need a shutdown hook, and none can be added after Ctrl-C.
    try (var stream = new MemoryCacheImageOutputStream(bytes)) {
      if (!ImageIO.write(image, "png", stream)) {
        throw new IOException("this Java cannot write PNG");
      }
    }
    OutputFiles.write(file, bytes);
  }
}

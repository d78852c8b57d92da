package org.freetransformer.plots;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.freetransformer.run.AtomicFile;

/** Pictures as PNG files, each whole or not there. */
final class Png {
  private Png() {}

  static void write(Path file, BufferedImage image) throws IOException {
    AtomicFile.write(
        file,
        out -> {
          if (!ImageIO.write(image, "png", out)) {
            throw new IOException("this Java has no PNG writer: the module java.desktop is cut");
          }
        });
  }
}

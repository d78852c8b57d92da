package org.freetransformer.plots;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.freetransformer.run.OwnJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PngTest {
  /** Draws as a training run that Ctrl-C ends does: while the JVM is shutting down. */
  static final class DrawsAtTheEnd {
    private DrawsAtTheEnd() {}

    public static void main(String[] args) {
      Path file = Path.of(args[0]);
      Runtime.getRuntime().addShutdownHook(new Thread(() -> draw(file)));
    }

    private static void draw(Path file) {
      try {
        Png.write(file, new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @TempDir private Path folder;

  @Test
  void canBeWrittenWhileTheJvmShutsDown() throws Exception {
    Path file = folder.resolve("last.png");
    Process process =
        new ProcessBuilder(
                OwnJvm.java(),
                "-cp",
                System.getProperty("java.class.path"),
                DrawsAtTheEnd.class.getName(),
                file.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    process.waitFor();
    assertThat(file).as(output).exists();
    assertThat(ImageIO.read(file.toFile()).getWidth()).isEqualTo(3);
  }
}

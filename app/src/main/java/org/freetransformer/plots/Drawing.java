package org.freetransformer.plots;

import java.io.IOException;
import java.util.function.Consumer;

/** Draws pictures where that is possible: Java needs a font for it, which small machines lack. */
public final class Drawing {
  private Drawing() {}

  /** Draws and writes pictures. */
  @FunctionalInterface
  public interface Work {
    /** Does it. */
    void draw() throws IOException;
  }

  /**
   * Draws, or tells in one line why not.
   *
   * @throws IOException if a picture cannot be written
   */
  public static void attempt(Work work, Consumer<String> warnings) throws IOException {
    try {
      work.draw();
    } catch (LinkageError | InternalError | NullPointerException noFonts) {
      // What AWT throws without fontconfig or fonts differs between its versions.
      warnings.accept(
          "no pictures are drawn: Java finds no font here; Debian's packages fontconfig and"
              + " fonts-dejavu-core have one ("
              + noFonts
              + ")");
    }
  }
}

package org.freetransformer.plots;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;

/** A picture that is being drawn, on paper. */
final class Canvas implements AutoCloseable {
  private static final Font TITLE = new Font(Font.SANS_SERIF, Font.BOLD, 20);

  private final BufferedImage image;
  private final Graphics2D graphics;

  /** Empty paper of a size in pixels. */
  Canvas(int width, int height) {
    image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    graphics = image.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.setColor(Palette.PAPER);
    graphics.fillRect(0, 0, width, height);
  }

  /** What draws all that is no text. */
  Graphics2D graphics() {
    return graphics;
  }

  /** Writes the picture's title. */
  void title(String text, int x, int baseline) {
    text(TITLE, Palette.INK, text, x, baseline);
  }

  /** Writes text that begins at x. */
  void text(Font font, Color colour, String text, int x, int baseline) {
    graphics.setFont(font);
    graphics.setColor(colour);
    graphics.drawString(text, x, baseline);
  }

  /** How wide a text would be, in pixels. */
  int width(Font font, String text) {
    return graphics.getFontMetrics(font).stringWidth(text);
  }

  /** What was drawn so far. */
  BufferedImage image() {
    return image;
  }

  @Override
  public void close() {
    graphics.dispose();
  }
}

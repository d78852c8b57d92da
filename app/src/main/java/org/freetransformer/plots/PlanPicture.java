package org.freetransformer.plots;

import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The paper's Figure 4 for one prompt: every character of a sample is a cell, coloured by what it
 * is. On the left every sample has a plan of its own, on the right all share one.
 */
public final class PlanPicture {

  /**
   * One row of the picture.
   *
   * @param title which model, such as {@code κ = ln2/8}
   * @param fresh texts after the prompt, a plan each
   * @param shared texts after the prompt under one plan; none for a model without plans
   */
  public record Panel(String title, List<String> fresh, List<String> shared) {
    /** Copies the lists. */
    public Panel {
      fresh = List.copyOf(fresh);
      shared = List.copyOf(shared);
    }
  }

  private static final int CELL_WIDTH = 12;
  private static final int CELL_HEIGHT = 17;
  private static final int MARGIN = 32;
  private static final int GUTTER = 44;
  private static final int TITLE_HEIGHT = 64;
  private static final int PANEL_TITLE = 34;
  private static final int PANEL_GAP = 14;
  private static final int LEGEND_HEIGHT = 40;

  private static final Font TITLE = new Font(Font.SANS_SERIF, Font.BOLD, 20);
  private static final Font HEADING = new Font(Font.SANS_SERIF, Font.PLAIN, 15);
  private static final Font LETTERS = new Font(Font.MONOSPACED, Font.BOLD, 13);

  private static final Color FILLER_CELL = new Color(0xF1, 0xF1, 0xF1);
  private static final Color FILLER_TEXT = new Color(0xB0, 0xB0, 0xB0);

  private final String title;
  private final char letter;
  private final List<Panel> panels;
  private final int columns;

  /**
   * A picture of the panels, one below the other.
   *
   * @param letter the prompt's letter, whose run is highlighted
   * @throws IllegalArgumentException if there is no sample to draw
   */
  public PlanPicture(String title, char letter, List<Panel> panels) {
    this.title = title;
    this.letter = letter;
    this.panels = List.copyOf(panels);
    this.columns =
        panels.stream()
            .flatMap(panel -> Stream.concat(panel.fresh().stream(), panel.shared().stream()))
            .mapToInt(String::length)
            .max()
            .orElseThrow(() -> new IllegalArgumentException("there is no sample to draw"));
  }

  /** Draws it into a PNG file. */
  public void write(Path file) throws IOException {
    Png.write(file, draw());
  }

  BufferedImage draw() {
    int sideWidth = columns * CELL_WIDTH;
    int width = 2 * MARGIN + 2 * sideWidth + GUTTER;
    int height = TITLE_HEIGHT + LEGEND_HEIGHT + MARGIN;
    for (Panel panel : panels) {
      height += panelHeight(panel);
    }
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.setColor(Palette.PAPER);
    graphics.fillRect(0, 0, width, height);
    text(graphics, TITLE, Palette.INK, title, MARGIN, MARGIN + 10);

    int top = TITLE_HEIGHT;
    int right = MARGIN + sideWidth + GUTTER;
    for (Panel panel : panels) {
      int baseline = top + PANEL_TITLE - 10;
      String planned = panel.shared().isEmpty() ? "" : ": a plan each";
      text(graphics, HEADING, Palette.INK, panel.title() + planned, MARGIN, baseline);
      side(graphics, panel.fresh(), MARGIN, top + PANEL_TITLE);
      if (!panel.shared().isEmpty()) {
        text(graphics, HEADING, Palette.INK, panel.title() + ": one shared plan", right, baseline);
        side(graphics, panel.shared(), right, top + PANEL_TITLE);
      }
      top += panelHeight(panel);
    }
    legend(graphics, MARGIN, top + 14);
    graphics.dispose();
    return image;
  }

  private static int panelHeight(Panel panel) {
    int rows = Math.max(panel.fresh().size(), panel.shared().size());
    return PANEL_TITLE + rows * CELL_HEIGHT + PANEL_GAP;
  }

  private void side(Graphics2D graphics, List<String> samples, int left, int top) {
    for (int row = 0; row < samples.size(); row++) {
      String sample = samples.get(row);
      for (int column = 0; column < sample.length(); column++) {
        cell(graphics, sample.charAt(column), left + column * CELL_WIDTH, top + row * CELL_HEIGHT);
      }
    }
  }

  private void cell(Graphics2D graphics, char character, int x, int y) {
    graphics.setColor(background(character));
    graphics.fillRect(x, y, CELL_WIDTH - 1, CELL_HEIGHT - 1);
    graphics.setFont(LETTERS);
    graphics.setColor(character == '_' ? FILLER_TEXT : Palette.PAPER);
    FontMetrics metrics = graphics.getFontMetrics();
    int textX = x + (CELL_WIDTH - 1 - metrics.charWidth(character)) / 2;
    int textY = y + (CELL_HEIGHT - 1 - metrics.getHeight()) / 2 + metrics.getAscent();
    graphics.drawString(String.valueOf(character), textX, textY);
  }

  private Color background(char character) {
    if (character == letter) {
      return Palette.BLUE;
    }
    return switch (character) {
      case '_' -> FILLER_CELL;
      case '!' -> Palette.ORANGE;
      default -> Palette.VERMILION;
    };
  }

  private void legend(Graphics2D graphics, int left, int top) {
    int x = legendEntry(graphics, letter, "the prompt's letter", left, top);
    x = legendEntry(graphics, '!', "noise", x, top);
    x = legendEntry(graphics, '_', "filler", x, top);
    legendEntry(graphics, letter == 'X' ? 'Y' : 'X', "what the task never puts there", x, top);
  }

  private int legendEntry(Graphics2D graphics, char character, String name, int x, int y) {
    cell(graphics, character, x, y);
    int textX = x + CELL_WIDTH + 6;
    text(graphics, HEADING, Palette.QUIET, name, textX, y + CELL_HEIGHT - 4);
    return textX + graphics.getFontMetrics().stringWidth(name) + 28;
  }

  private static void text(
      Graphics2D graphics, Font font, Color colour, String text, int x, int baseline) {
    graphics.setFont(font);
    graphics.setColor(colour);
    graphics.drawString(text, x, baseline);
  }
}

package org.freetransformer.plots;

import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
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
    try (Canvas canvas = new Canvas(width, height)) {
      canvas.title(title, MARGIN, MARGIN + 10);
      int top = TITLE_HEIGHT;
      for (Panel panel : panels) {
        panel(canvas, panel, MARGIN + sideWidth + GUTTER, top);
        top += panelHeight(panel);
      }
      legend(canvas, MARGIN, top + 14);
      return canvas.image();
    }
  }

  private void panel(Canvas canvas, Panel panel, int right, int top) {
    int baseline = top + PANEL_TITLE - 10;
    String planned = panel.shared().isEmpty() ? "" : ": a plan each";
    canvas.text(HEADING, Palette.INK, panel.title() + planned, MARGIN, baseline);
    side(canvas.graphics(), panel.fresh(), MARGIN, top + PANEL_TITLE);
    if (!panel.shared().isEmpty()) {
      canvas.text(HEADING, Palette.INK, panel.title() + ": one shared plan", right, baseline);
      side(canvas.graphics(), panel.shared(), right, top + PANEL_TITLE);
    }
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

  private void legend(Canvas canvas, int left, int top) {
    int x = legendEntry(canvas, letter, "the prompt's letter", left, top);
    x = legendEntry(canvas, '!', "noise", x, top);
    x = legendEntry(canvas, '_', "filler", x, top);
    legendEntry(canvas, letter == 'X' ? 'Y' : 'X', "what the task never puts there", x, top);
  }

  private int legendEntry(Canvas canvas, char character, String name, int x, int y) {
    cell(canvas.graphics(), character, x, y);
    int textX = x + CELL_WIDTH + 6;
    canvas.text(HEADING, Palette.QUIET, name, textX, y + CELL_HEIGHT - 4);
    return textX + canvas.width(HEADING, name) + 28;
  }
}

package org.freetransformer.plots;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Probabilities as a grid of cells, from 0 over ½, which is white, to 1. */
public final class HeatMap {
  private static final int MARGIN = 36;
  private static final int ROW_NAMES = 90;
  private static final int TITLE_HEIGHT = 84;
  private static final int AXIS_HEIGHT = 70;
  private static final int LEGEND_WIDTH = 110;
  private static final int CELL_HEIGHT = 26;
  private static final int WIDTH = 960;
  private static final int LARGEST_CELL = 40;
  private static final int LABEL_ROOM = 34;

  private static final Font LABEL = new Font(Font.SANS_SERIF, Font.PLAIN, 16);
  private static final Font SMALL = new Font(Font.SANS_SERIF, Font.PLAIN, 13);

  private final String title;
  private final String columnAxis;
  private final List<String> rows;
  private final List<String> columns;
  private final double[][] values;
  private final int cellWidth;

  /**
   * A grid.
   *
   * @param columnAxis what the columns are
   * @param rows a name for each row
   * @param columns a name for each column
   * @param values [row][column], 0 to 1
   * @throws IllegalArgumentException if there is no cell, or the sizes differ
   */
  public HeatMap(
      String title, String columnAxis, List<String> rows, List<String> columns, double[][] values) {
    if (rows.isEmpty() || columns.isEmpty() || values.length != rows.size()) {
      throw new IllegalArgumentException(
          "%d rows of %d columns with %d rows of values: as many are needed, at least one"
              .formatted(rows.size(), columns.size(), values.length));
    }
    this.title = title;
    this.columnAxis = columnAxis;
    this.rows = List.copyOf(rows);
    this.columns = List.copyOf(columns);
    this.values = values.clone();
    this.cellWidth = Math.clamp(WIDTH / columns.size(), 1, LARGEST_CELL);
  }

  /** Draws it into a PNG file. */
  public void write(Path file) throws IOException {
    Png.write(file, draw());
  }

  BufferedImage draw() {
    int left = MARGIN + ROW_NAMES;
    int bottom = TITLE_HEIGHT + rows.size() * CELL_HEIGHT;
    int right = left + Math.max(columns.size() * cellWidth, WIDTH / 2);
    try (Canvas canvas = new Canvas(right + LEGEND_WIDTH + MARGIN, bottom + AXIS_HEIGHT)) {
      canvas.title(title, MARGIN, MARGIN + 14);
      for (int row = 0; row < rows.size(); row++) {
        row(canvas, row, left);
      }
      columnNames(canvas, left, bottom);
      legend(canvas, right + 24);
      return canvas.image();
    }
  }

  private void row(Canvas canvas, int row, int left) {
    int top = TITLE_HEIGHT + row * CELL_HEIGHT;
    canvas.text(SMALL, Palette.QUIET, rows.get(row), MARGIN, top + CELL_HEIGHT - 8);
    Graphics2D graphics = canvas.graphics();
    for (int column = 0; column < columns.size(); column++) {
      graphics.setColor(colour(values[row][column]));
      int gap = cellWidth > 4 ? 1 : 0;
      graphics.fillRect(left + column * cellWidth, top, cellWidth - gap, CELL_HEIGHT - 1);
    }
  }

  private void columnNames(Canvas canvas, int left, int bottom) {
    int every = Math.max(1, (LABEL_ROOM + cellWidth - 1) / cellWidth);
    boolean allFit = columns.stream().allMatch(name -> name.length() * 8 < cellWidth);
    for (int column = 0; column < columns.size(); column += allFit ? 1 : every) {
      int x = left + column * cellWidth;
      canvas.text(SMALL, Palette.QUIET, columns.get(column), x, bottom + 18);
    }
    canvas.text(LABEL, Palette.INK, columnAxis, left, bottom + 46);
  }

  private static void legend(Canvas canvas, int x) {
    for (int i = 0; i <= 4; i++) {
      double value = i / 4.0;
      int top = TITLE_HEIGHT + (4 - i) * CELL_HEIGHT;
      canvas.graphics().setColor(colour(value));
      canvas.graphics().fillRect(x, top, 22, CELL_HEIGHT - 1);
      canvas.text(SMALL, Palette.QUIET, "%.2f".formatted(value), x + 30, top + 18);
    }
  }

  static Color colour(double probability) {
    double p = Math.clamp(probability, 0, 1);
    Color end = p < 0.5 ? Palette.BLUE : Palette.VERMILION;
    double share = Math.abs(2 * p - 1);
    return new Color(
        mix(end.getRed(), share), mix(end.getGreen(), share), mix(end.getBlue(), share));
  }

  private static int mix(int end, double share) {
    int white = 0xF7;
    return (int) Math.round(white + (end - white) * share);
  }
}

package org.freetransformer.plots;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.DoubleSummaryStatistics;
import java.util.List;

/** Values of several things side by side, a dot for each, a tick at each thing's mean. */
public final class DotPlot {
  private static final int WIDTH = 1200;
  private static final int MARGIN = 36;
  private static final int NAMES = 330;
  private static final int MEANS = 110;
  private static final int TITLE_HEIGHT = 84;
  private static final int ROW_HEIGHT = 64;
  private static final int AXIS_HEIGHT = 88;
  private static final int DOT = 15;
  private static final int TICK = 18;
  private static final int TICKS = 6;
  private static final double ROOM = 0.08;
  private static final int OPACITY = 170;

  private static final Font LABEL = new Font(Font.SANS_SERIF, Font.PLAIN, 16);
  private static final Font SMALL = new Font(Font.SANS_SERIF, Font.PLAIN, 14);

  private final String title;
  private final String axis;
  private final List<Row> rows;
  private final double low;
  private final double step;

  /**
   * One thing.
   *
   * @param name in front of its dots
   * @param values at least one
   */
  public record Row(String name, List<Double> values) {
    /** Copies the list. */
    public Row {
      values = List.copyOf(values);
    }

    double mean() {
      return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    }
  }

  /**
   * A plot of all rows on one axis.
   *
   * @param axis what the values are, with their unit
   * @throws IllegalArgumentException if there is nothing to draw
   */
  public DotPlot(String title, String axis, List<Row> rows) {
    this.title = title;
    this.axis = axis;
    this.rows = List.copyOf(rows);
    DoubleSummaryStatistics all =
        rows.stream()
            .flatMap(row -> row.values().stream())
            .mapToDouble(Double::doubleValue)
            .summaryStatistics();
    if (all.getCount() == 0) {
      throw new IllegalArgumentException("there is no value to draw");
    }
    double spread = Math.max(all.getMax() - all.getMin(), 1e-6 * Math.abs(all.getMax()) + 1e-9);
    this.step = roundStep(spread * (1 + 2 * ROOM) / TICKS);
    this.low = Math.floor((all.getMin() - ROOM * spread) / step) * step;
  }

  /** The next of 1, 2 and 5 times a power of ten. */
  private static double roundStep(double atLeast) {
    double power = Math.pow(10, Math.floor(Math.log10(atLeast)));
    for (double factor : new double[] {1, 2, 5}) {
      if (factor * power >= atLeast) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  /** Draws it into a PNG file. */
  public void write(Path file) throws IOException {
    Png.write(file, draw());
  }

  BufferedImage draw() {
    int bottom = TITLE_HEIGHT + rows.size() * ROW_HEIGHT;
    try (Canvas canvas = new Canvas(WIDTH, bottom + AXIS_HEIGHT)) {
      canvas
          .graphics()
          .setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      canvas.title(title, MARGIN, MARGIN + 14);
      axis(canvas, bottom);
      for (int i = 0; i < rows.size(); i++) {
        row(canvas, rows.get(i), Palette.series()[i % Palette.series().length], i);
      }
      return canvas.image();
    }
  }

  private int x(double value) {
    int left = MARGIN + NAMES;
    int width = WIDTH - MARGIN - MEANS - left;
    return left + (int) Math.round((value - low) / (step * (TICKS + 1)) * width);
  }

  private void axis(Canvas canvas, int bottom) {
    Graphics2D graphics = canvas.graphics();
    int decimals = Math.max(0, (int) Math.ceil(-Math.log10(step) - 1e-9));
    for (int i = 0; i <= TICKS + 1; i++) {
      double value = low + i * step;
      graphics.setColor(Palette.GRID);
      graphics.setStroke(new BasicStroke(1));
      graphics.drawLine(x(value), TITLE_HEIGHT, x(value), bottom);
      String label = String.format("%." + decimals + "f", value);
      int half = canvas.width(SMALL, label) / 2;
      canvas.text(SMALL, Palette.QUIET, label, x(value) - half, bottom + 24);
    }
    int half = canvas.width(LABEL, axis) / 2;
    int middle = (x(low) + x(low + (TICKS + 1) * step)) / 2;
    canvas.text(LABEL, Palette.INK, axis, middle - half, bottom + 56);
    canvas.text(SMALL, Palette.QUIET, "mean", WIDTH - MARGIN - MEANS + 24, TITLE_HEIGHT - 8);
  }

  private void row(Canvas canvas, Row row, Color colour, int number) {
    Graphics2D graphics = canvas.graphics();
    int middle = TITLE_HEIGHT + number * ROW_HEIGHT + ROW_HEIGHT / 2;
    canvas.text(LABEL, Palette.INK, row.name(), MARGIN, middle + 6);
    graphics.setColor(colour);
    graphics.setStroke(new BasicStroke(3));
    graphics.drawLine(x(row.mean()), middle - TICK, x(row.mean()), middle + TICK);
    graphics.setColor(new Color(colour.getRed(), colour.getGreen(), colour.getBlue(), OPACITY));
    for (double value : row.values()) {
      graphics.fill(new Ellipse2D.Double(x(value) - DOT / 2.0, middle - DOT / 2.0, DOT, DOT));
    }
    String mean = "%.4f".formatted(row.mean());
    canvas.text(LABEL, Palette.INK, mean, WIDTH - MARGIN - MEANS + 24, middle + 6);
  }
}

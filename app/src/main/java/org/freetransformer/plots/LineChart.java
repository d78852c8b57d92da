package org.freetransformer.plots;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Curves over steps, such as the losses of a training run, with levels to compare them with. */
public final class LineChart {
  private static final int WIDTH = 1200;
  private static final int HEIGHT = 720;
  private static final int TICK_SPACING = 110;
  private static final float CURVE = 2.4f;
  private static final float LEVEL = 1.6f;
  private static final float[] DASHES = {8, 6};

  private final XYChart chart;

  /**
   * An empty chart.
   *
   * @param yAxis what the curves show, with its unit
   */
  public LineChart(String title, String xAxis, String yAxis) {
    chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle(xAxis)
            .yAxisTitle(yAxis)
            .build();
    ChartTheme.apply(chart.getStyler());
    chart.getStyler().setXAxisMin(0.0);
    chart.getStyler().setXAxisDecimalPattern("#,##0");
    chart.getStyler().setXAxisTickMarkSpacingHint(TICK_SPACING);
  }

  /** Adds a curve. */
  public LineChart add(Curve curve) {
    XYSeries series = chart.addSeries(curve.name(), curve.x(), curve.y());
    series.setMarker(SeriesMarkers.NONE).setLineStyle(new BasicStroke(CURVE));
    return this;
  }

  /** Adds a dashed level over the whole width of the curves there are. */
  public LineChart add(Level level) {
    double from = Double.POSITIVE_INFINITY;
    double to = Double.NEGATIVE_INFINITY;
    for (XYSeries series : chart.getSeriesMap().values()) {
      from = Math.min(from, series.getXMin());
      to = Math.max(to, series.getXMax());
    }
    if (from > to) {
      throw new IllegalStateException("a level needs a curve to stand beside: add that first");
    }
    XYSeries series =
        chart.addSeries(level.name(), List.of(from, to), List.of(level.y(), level.y()));
    series
        .setMarker(SeriesMarkers.NONE)
        .setLineStyle(
            new BasicStroke(LEVEL, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, DASHES, 0));
    return this;
  }

  /** Gives the series their own colours, in the order in which they were added. */
  public LineChart colours(Color... colours) {
    chart.getStyler().setSeriesColors(colours);
    return this;
  }

  /** Cuts the vertical axis, so that a high start does not flatten the rest. */
  public LineChart upTo(double highest) {
    chart.getStyler().setYAxisMax(highest);
    return this;
  }

  /** Draws it into a PNG file. */
  public void write(Path file) throws IOException {
    Png.write(file, BitmapEncoder.getBufferedImage(chart));
  }
}

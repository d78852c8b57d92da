package org.freetransformer.plots;

import java.awt.BasicStroke;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * How fast kernels are, beside what the machine allows: arithmetic up to its peak, and below that
 * as much as memory can feed. After Williams, Waterman and Patterson, "Roofline: An Insightful
 * Visual Performance Model for Multicore Architectures" (2009). Both axes are logarithmic.
 */
public final class RooflineChart {
  private static final int WIDTH = 1200;
  private static final int HEIGHT = 760;
  private static final int MARKER = 11;
  private static final float ROOF = 2.4f;
  private static final double MARGIN = 1.5;

  private final XYChart chart;
  private final double peak;
  private final double bandwidth;
  private double least = Double.POSITIVE_INFINITY;
  private double most = 0;

  /**
   * A chart without kernels yet.
   *
   * @param peak GFLOP/s
   * @param bandwidth GB/s
   */
  public RooflineChart(String title, double peak, double bandwidth) {
    this.peak = peak;
    this.bandwidth = bandwidth;
    chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle("floating-point operations per byte of operands")
            .yAxisTitle("GFLOP/s")
            .build();
    ChartTheme.apply(chart.getStyler());
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setYAxisLogarithmic(true);
    chart.getStyler().setMarkerSize(MARKER);
  }

  /**
   * A kernel.
   *
   * @param intensity floating-point operations per byte, above 0
   * @param speed GFLOP/s, above 0
   */
  public record Point(double intensity, double speed) {}

  /** Adds kernels of one kind; nothing for an empty list. */
  public RooflineChart add(String name, List<Point> points) {
    if (points.isEmpty()) {
      return this;
    }
    Marker marker = chart.getSeriesMap().isEmpty() ? SeriesMarkers.CIRCLE : SeriesMarkers.DIAMOND;
    chart
        .addSeries(
            name,
            points.stream().map(Point::intensity).toList(),
            points.stream().map(Point::speed).toList())
        .setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter)
        .setMarker(marker);
    for (Point point : points) {
      least = Math.min(least, point.intensity());
      most = Math.max(most, point.intensity());
    }
    return this;
  }

  /**
   * Draws it into a PNG file.
   *
   * @throws IllegalStateException if there is no kernel
   */
  public void write(Path file) throws IOException {
    if (most == 0) {
      throw new IllegalStateException("a roof needs kernels below it: add some first");
    }
    double ridge = peak / bandwidth;
    double left = Math.min(least, ridge) / MARGIN;
    double right = Math.max(most, ridge) * MARGIN;
    XYSeries roof =
        chart.addSeries(
            "the machine's limit",
            List.of(left, ridge, right),
            List.of(left * bandwidth, peak, peak));
    roof.setMarker(SeriesMarkers.NONE)
        .setLineStyle(new BasicStroke(ROOF))
        .setLineColor(Palette.INK);
    Png.write(file, BitmapEncoder.getBufferedImage(chart));
  }
}

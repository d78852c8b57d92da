package org.freetransformer.plots;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.CategorySeries;
import org.knowm.xchart.CategorySeries.CategorySeriesRenderStyle;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Bars side by side, made of parts on top of each other, with levels to compare them with. */
public final class BarChart {
  private static final int WIDTH = 1100;
  private static final int HEIGHT = 720;
  private static final double BAR_WIDTH = 0.6;
  private static final double GROUP_WIDTH = 0.8;
  private static final float LEVEL = 2f;
  private static final float[] DASHES = {8, 6};

  private final CategoryChart chart;
  private final List<String> bars;
  private final List<Color> colours = new ArrayList<>();

  /**
   * An empty chart.
   *
   * @param yAxis what the bars show, with its unit
   * @param bars the names under the bars, in order
   */
  public BarChart(String title, String xAxis, String yAxis, List<String> bars) {
    this.bars = List.copyOf(bars);
    chart =
        new CategoryChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle(xAxis)
            .yAxisTitle(yAxis)
            .build();
    ChartTheme.apply(chart.getStyler());
    chart.getStyler().setStacked(true);
    chart.getStyler().setAvailableSpaceFill(BAR_WIDTH);
    chart.getStyler().setYAxisMin(0.0);
    chart.getStyler().setYAxisDecimalPattern("0.####");
  }

  /** Puts the parts beside each other instead. */
  public BarChart sideBySide() {
    chart.getStyler().setStacked(false);
    chart.getStyler().setAvailableSpaceFill(GROUP_WIDTH);
    return this;
  }

  /**
   * Puts one part on every bar, on top of those before.
   *
   * @param heights as many as bars
   */
  public BarChart part(String name, List<Double> heights, Color colour) {
    chart.addSeries(name, bars, heights);
    colours.add(colour);
    return this;
  }

  /** Adds a dashed level over all bars; a mark, where there is only one. */
  public BarChart add(Level level, Color colour) {
    CategorySeries series =
        chart.addSeries(level.name(), bars, Collections.nCopies(bars.size(), level.y()));
    series.setChartCategorySeriesRenderStyle(CategorySeriesRenderStyle.Line);
    // A line over one bar has no length.
    series.setMarker(bars.size() == 1 ? SeriesMarkers.DIAMOND : SeriesMarkers.NONE);
    series.setLineStyle(
        new BasicStroke(LEVEL, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, DASHES, 0));
    series.setOverlapped(true);
    colours.add(colour);
    return this;
  }

  /** Draws it into a PNG file. */
  public void write(Path file) throws IOException {
    chart.getStyler().setSeriesColors(colours.toArray(Color[]::new));
    Png.write(file, BitmapEncoder.getBufferedImage(chart));
  }
}

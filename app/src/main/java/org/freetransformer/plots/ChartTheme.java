package org.freetransformer.plots;

import java.awt.Font;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendPosition;

/** The look that all charts share. */
final class ChartTheme {
  private static final Font TITLE = new Font(Font.SANS_SERIF, Font.BOLD, 20);
  private static final Font AXIS = new Font(Font.SANS_SERIF, Font.PLAIN, 16);
  private static final Font TICKS = new Font(Font.SANS_SERIF, Font.PLAIN, 14);

  private ChartTheme() {}

  static void apply(AxesChartStyler styler) {
    styler.setChartBackgroundColor(Palette.PAPER);
    styler.setPlotBackgroundColor(Palette.PAPER);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(Palette.GRID);
    styler.setChartFontColor(Palette.INK);
    styler.setChartTitleFont(TITLE);
    styler.setChartTitleBoxVisible(false);
    styler.setAxisTitleFont(AXIS);
    styler.setAxisTickLabelsFont(TICKS);
    styler.setAxisTickLabelsColor(Palette.QUIET);
    styler.setLegendFont(TICKS);
    styler.setLegendBorderColor(Palette.PAPER);
    styler.setLegendPosition(LegendPosition.OutsideE);
    styler.setSeriesColors(Palette.series());
    styler.setAntiAlias(true);
    styler.setChartPadding(18);
  }
}

package org.freetransformer.plots;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.List;
import org.junit.jupiter.api.Test;

class DotPlotTest {
  private static int dotPixels(BufferedImage image, Color colour) {
    int found = 0;
    for (int x = 0; x < image.getWidth(); x++) {
      for (int y = 0; y < image.getHeight(); y++) {
        found += image.getRGB(x, y) == colour.getRGB() ? 1 : 0;
      }
    }
    return found;
  }

  @Test
  void drawsARowForEachThingInItsColour() {
    BufferedImage image =
        new DotPlot(
                "title",
                "nats",
                List.of(
                    new DotPlot.Row("one", List.of(1.0, 1.2, 1.1)),
                    new DotPlot.Row("two", List.of(1.4))))
            .draw();
    assertThat(dotPixels(image, Palette.BLUE)).isPositive();
    assertThat(dotPixels(image, Palette.VERMILION)).isPositive();
    assertThat(dotPixels(image, Palette.GREEN)).isZero();
  }

  @Test
  void oneValueOrEqualOnesNeedNoSpread() {
    for (double value : new double[] {0, 1e-9, -3, 1e6}) {
      DotPlot plot =
          new DotPlot("title", "nats", List.of(new DotPlot.Row("one", List.of(value, value))));
      assertThat(dotPixels(plot.draw(), Palette.BLUE)).as("%s", value).isPositive();
    }
    assertThatThrownBy(() -> new DotPlot("title", "nats", List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

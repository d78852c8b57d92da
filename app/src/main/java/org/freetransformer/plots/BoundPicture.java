package org.freetransformer.plots;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Bounds of several models side by side, each in its two parts, with the source's entropy.
 *
 * @param unit what the bars' heights are
 * @param entropy of the source: no bound can be under it
 */
public record BoundPicture(String title, String unit, List<Bar> bars, double entropy) {
  /**
   * One model.
   *
   * @param reconstruction the lower part; of a model without a plan its whole cross-entropy
   * @param kl the upper part
   */
  public record Bar(String name, double reconstruction, double kl) {}

  /** Copies the list. */
  public BoundPicture {
    bars = List.copyOf(bars);
  }

  /** Draws it into a PNG file. */
  public void write(Path file) throws IOException {
    new BarChart(title, "model", unit, bars.stream().map(Bar::name).toList())
        .part("reconstruction", bars.stream().map(Bar::reconstruction).toList(), Palette.BLUE)
        .part("KL", bars.stream().map(Bar::kl).toList(), Palette.SKY)
        .add(new Level("source entropy", entropy), Palette.VERMILION)
        .write(file);
  }
}

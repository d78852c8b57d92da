package org.freetransformer.plots;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Draws every kind of picture; FT_KEEP_PLOTS names a folder to keep them in for looking at. */
class ChartTest {
  @TempDir private Path folder;

  private Path target(String name) throws IOException {
    String kept = System.getenv("FT_KEEP_PLOTS");
    return (kept == null ? folder : Files.createDirectories(Path.of(kept))).resolve(name);
  }

  private static Map<Integer, Integer> colours(BufferedImage image) {
    Map<Integer, Integer> counts = new HashMap<>();
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        counts.merge(image.getRGB(x, y), 1, Integer::sum);
      }
    }
    return counts;
  }

  private static int count(BufferedImage image, Color colour) {
    return colours(image).getOrDefault(colour.getRGB(), 0);
  }

  @Test
  void curvesAndLevelsAreDrawn() throws IOException {
    List<Double> steps = new ArrayList<>();
    List<Double> bound = new ArrayList<>();
    List<Double> kl = new ArrayList<>();
    for (int step = 10; step <= 2000; step += 10) {
      steps.add((double) step);
      bound.add(0.3 + 2 * Math.exp(-step / 150.0));
      kl.add(step < 30 ? Double.NaN : 0.09 * (1 - Math.exp(-step / 400.0)));
    }
    Path file = target("curves.png");
    new LineChart("Training", "optimizer step", "nats per character")
        .add(new Curve("bound", steps, bound))
        .add(new Curve("KL", steps, kl))
        .add(new Level("source entropy", 0.29688))
        .write(file);
    BufferedImage image = ImageIO.read(file.toFile());
    assertThat(image.getWidth()).isEqualTo(1200);
    assertThat(image.getHeight()).isEqualTo(720);
    assertThat(count(image, Palette.BLUE)).isGreaterThan(500);
    assertThat(count(image, Palette.VERMILION)).isGreaterThan(500);
    assertThat(count(image, Palette.GREEN)).isGreaterThan(200);
  }

  @Test
  void barsStandOnEachOther() throws IOException {
    Path file = target("bars.png");
    new BarChart(
            "What the plan carries",
            "free bits κ",
            "nats per character",
            List.of("ln2/64", "ln2/8", "ln2", "8·ln2"))
        .part("reconstruction", List.of(0.29, 0.25, 0.1, 0.01), Palette.BLUE)
        .part("KL", List.of(0.01, 0.09, 0.4, 0.9), Palette.SKY)
        .add(new Level("baseline", 0.3), Palette.VERMILION)
        .write(file);
    BufferedImage image = ImageIO.read(file.toFile());
    assertThat(count(image, Palette.BLUE)).isGreaterThan(2000);
    assertThat(count(image, Palette.SKY)).isGreaterThan(2000);
    assertThat(count(image, Palette.VERMILION)).isGreaterThan(200);
  }

  @Test
  void aLevelOverASingleBarIsAMark() throws IOException {
    Path file = target("bar.png");
    new BarChart("Bound", "model", "nats per character", List.of("quick"))
        .part("reconstruction", List.of(0.3), Palette.BLUE)
        .add(new Level("source entropy", 0.29), Palette.VERMILION)
        .write(file);
    BufferedImage image = ImageIO.read(file.toFile());
    BufferedImage withoutLegend = image.getSubimage(0, 0, 880, image.getHeight());
    assertThat(count(withoutLegend, Palette.VERMILION)).isGreaterThan(20);
  }

  @Test
  void everyCharacterOfASampleIsACell() throws IOException {
    String clean = "_".repeat(20) + "K".repeat(8) + "_".repeat(36);
    String noisy = "_".repeat(12) + "KK!KKKKK" + "_".repeat(20) + "!Q" + "_".repeat(22);
    Path file = target("plans.png");
    List<String> shared = List.of(clean, clean, clean, noisy);
    new PlanPicture(
            "Samples for the prompt K>",
            'K',
            List.of(
                new PlanPicture.Panel("κ = ln2/64", List.of(noisy, clean, noisy, clean), shared),
                new PlanPicture.Panel("baseline", List.of(noisy, clean), List.of())))
        .write(file);
    BufferedImage image = ImageIO.read(file.toFile());
    assertThat(image.getWidth()).isGreaterThan(2 * 64 * 12);
    int letterCells = count(image, Palette.BLUE);
    int noiseCells = count(image, Palette.ORANGE);
    assertThat(noiseCells).isGreaterThan(500);
    assertThat(letterCells).isGreaterThan(4 * noiseCells);
    assertThat(count(image, Palette.VERMILION)).isGreaterThan(100);
  }

  @Test
  void aPictureOfNothingIsRefused() {
    assertThatThrownBy(() -> new PlanPicture("empty", 'K', List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Curve("c", List.of(1.0), List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

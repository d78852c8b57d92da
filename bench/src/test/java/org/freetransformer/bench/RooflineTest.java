package org.freetransformer.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.freetransformer.bench.suite.Unit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The limits are those that were measured with the most threads. */
class RooflineTest {
  private static Row row(int threads, Unit unit, double limitSeconds, double intensity) {
    return row(threads, unit, 8e9, limitSeconds, intensity);
  }

  private static Row row(
      int threads, Unit unit, double amount, double limitSeconds, double intensity) {
    Row.Round round = new Row.Round(2 * limitSeconds, 3 * limitSeconds, 0, limitSeconds, 0);
    return Row.of("suite", "case", threads, unit, amount, intensity, List.of(round));
  }

  @Test
  void takesTheFastestArithmeticAndTheMemoryThatIsLargest(@TempDir Path folder) throws Exception {
    List<Row> rows =
        List.of(
            row(1, Unit.GFLOPS, 0.01, 9),
            row(2, Unit.GFLOPS, 0.2, 50),
            row(2, Unit.GFLOPS, 0.1, 60),
            row(2, Unit.GIGABYTES, 0.4, 0.25),
            row(2, Unit.GIGABYTES, 1e6, 1e-6, 0.5),
            row(2, Unit.TOKENS, 0.4, 0));
    Roofline roofline = Roofline.of(rows).getFirst();
    assertThat(roofline.threads()).isEqualTo(2);
    assertThat(roofline.peak()).isEqualTo(80);
    assertThat(roofline.bandwidth()).isEqualTo(20);
    assertThat(roofline.rows()).extracting(Row::intensity).containsExactly(50.0, 60.0, 0.25, 0.5);
    Path picture = folder.resolve("roofline.png");
    roofline.write(picture, "a processor", "a library");
    assertThat(ImageIO.read(picture.toFile()).getWidth()).isGreaterThan(1000);
  }

  @Test
  void thereIsNoneWithoutBothLimits() {
    assertThat(Roofline.of(List.of(row(1, Unit.GFLOPS, 0.1, 9)))).isEmpty();
    assertThat(Roofline.of(List.of(row(1, Unit.GIGABYTES, 0.1, 9)))).isEmpty();
    assertThat(Roofline.of(List.of())).isEmpty();
  }
}

package org.freetransformer.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SeedResultTest {
  @TempDir private Path folder;

  @Test
  void aBoundThatIsNoNumberIsNullInTheFile() throws IOException {
    Path file = folder.resolve("result.json");
    EvaluationSettings settings = new EvaluationSettings(4, 2);
    SeedResult diverged =
        SeedResult.of(
            1, 2.5, 3, settings, Map.of("nll_bound", Double.NaN, "kl", Double.POSITIVE_INFINITY));
    diverged.write(file);
    assertThat(file).content().contains("\"nll_bound\":null", "\"kl\":null");
    SeedResult read = SeedResult.read(file).orElseThrow();
    assertThat(read.settings()).isEqualTo(settings);
    for (String key : new String[] {"nll_bound", "kl", "nll_iw"}) {
      assertThat(read.figure(key)).as(key).isNaN();
    }
  }

  @Test
  void aDamagedFileCountsAsNone() throws IOException {
    Path file = folder.resolve("result.json");
    SeedResult.of(1, 2.5, 3, new EvaluationSettings(4, 2), Map.of("nll_bound", 0.5)).write(file);
    byte[] whole = Files.readAllBytes(file);
    assertThat(SeedResult.read(file)).isPresent();
    for (int length = 0; length < whole.length - 2; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThat(SeedResult.read(file)).as("%d bytes", length).isEmpty();
    }
    Files.write(file, new byte[] {(byte) 0xff, 0, 0});
    assertThat(SeedResult.read(file)).isEmpty();
  }
}

package org.freetransformer.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.freetransformer.train.TrainingConfig;
import org.junit.jupiter.api.Test;

/** The guide's table of keys is that of the program. */
class TrainingGuideTest {
  private static final Path GUIDE = Path.of("..", "docs", "training", "guide.md");
  private static final Pattern ROW =
      Pattern.compile("^\\| `(\\w+)` \\| ([^|]+?) \\| \\S.*\\|$", Pattern.MULTILINE);

  @Test
  void everyTrainingKeyStandsThereWithItsDefault() throws IOException {
    Map<String, String> told = new LinkedHashMap<>();
    Matcher rows = ROW.matcher(Files.readString(GUIDE));
    while (rows.find()) {
      told.put(rows.group(1), rows.group(2));
    }
    Map<String, String> real = new LinkedHashMap<>();
    TrainingConfig.builder()
        .build()
        .toMap()
        .forEach((key, value) -> real.put(key, "".equals(value) ? "''" : String.valueOf(value)));
    assertThat(told).containsExactlyInAnyOrderEntriesOf(real);
  }
}

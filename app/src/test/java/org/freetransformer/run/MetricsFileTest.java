package org.freetransformer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsFileTest {
  @TempDir private Path folder;

  /** A step in 16 bits may overflow, and is then done again with a smaller loss scale. */
  @Test
  void aNumberThatJsonHasNoWordForIsNull() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("step", 1L);
    line.put("loss", Double.NaN);
    line.put("grad_norm", Double.POSITIVE_INFINITY);
    line.put("kl_per_bit", List.of(0.5, Double.NaN));
    try (MetricsFile metrics = MetricsFile.from(file, 0)) {
      metrics.add(line);
    }
    assertThat(file)
        .hasContent("{\"step\":1,\"loss\":null,\"grad_norm\":null,\"kl_per_bit\":[0.5,null]}");
    JsonNode read = MetricsFile.read(file).getFirst();
    assertThat(MetricsFile.number(read, "step")).isEqualTo(1);
    for (String key : List.of("loss", "grad_norm", "kl", "kl_per_bit")) {
      assertThat(MetricsFile.number(read, key)).as(key).isNaN();
    }
  }

  /** As the first versions wrote it. */
  @Test
  void aTextInPlaceOfANumberIsNone() throws IOException {
    Path file = Files.writeString(folder.resolve("old.jsonl"), "{\"step\":1,\"loss\":\"NaN\"}\n");
    try (MetricsFile metrics = MetricsFile.from(file, 1)) {
      assertThat(MetricsFile.number(metrics.kept().getFirst(), "loss")).isNaN();
    }
  }

  @Test
  void aFolderInItsPlaceIsNamed() {
    assertThatThrownBy(() -> MetricsFile.read(folder))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot read " + folder + ": is a folder");
    Path missing = folder.resolve("metrics.jsonl");
    assertThatThrownBy(() -> MetricsFile.read(missing))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot read " + missing + ": no such file or folder");
  }
}

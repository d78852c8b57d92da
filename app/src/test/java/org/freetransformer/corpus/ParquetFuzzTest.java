package org.freetransformer.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.freetransformer.fuzz.Fuzzing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Spoilt Parquet files: rows, or a note that the file is damaged, and always an end. */
@Timeout(value = 30, unit = TimeUnit.MINUTES) // Against a reader that hangs.
final class ParquetFuzzTest {
  @TempDir private Path folder;

  private static byte[] resource(String name) throws IOException {
    try (InputStream stream = ParquetFuzzTest.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(stream, name).readAllBytes();
    }
  }

  private static Collected read(Path file, Duration limit) throws IOException {
    return Collected.of(new ParquetFile(file, "text", Optional.empty(), limit));
  }

  /** Found by the test below: a thread of the library asked for no bytes, for ever. */
  @Test
  void aPageLongerThanItsColumnIsDamage() throws IOException {
    Path file = Files.write(folder.resolve("waits.parquet"), resource("waits.parquet"));
    Collected all = read(file, Duration.ofMillis(300));
    assertThat(all.texts).isEmpty();
    assertThat(all.reasons())
        .singleElement()
        .asString()
        .contains("waits.parquet", "Failed to fetch chunk at offset 219");
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void spoiltFiles() throws IOException {
    Path file = folder.resolve("rows.parquet");
    Fuzzing.run(
        "parquet",
        Fuzzing.mutations(
            List.of(resource("plain.parquet"), resource("snappy.parquet")), List.of()),
        spoilt -> {
          Files.write(file, spoilt);
          read(file, Duration.ofMillis(300));
        },
        problem -> problem instanceof IllegalArgumentException);
  }
}

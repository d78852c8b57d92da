package org.freetransformer.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.freetransformer.data.Split;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Parquet files hold the same five rows in three row groups; hyparquet-writer, a program for
 * Node.js, wrote them.
 */
final class DataFilesTest {
  private static final List<String> ROWS =
      List.of("First row.", "Second row, naïve λ 😀", "", "Fifth row\nof two lines");

  @TempDir private Path folder;

  static byte[] resource(String name) throws IOException {
    try (InputStream in = DataFilesTest.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  private Path write(String name, byte[] content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.write(file, content);
  }

  private void lines(String name, String... texts) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (String text : texts) {
      lines.append("{\"text\": \"").append(text).append("\"}\n");
    }
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, lines);
  }

  @Test
  void readsPlainAndCompressedTables() throws IOException {
    for (String name : List.of("plain.parquet", "snappy.parquet", "gzip.parquet", "zstd.parquet")) {
      Path file = write(name, resource(name));
      Collected all = Collected.of(DataFiles.of(List.of(file), "text"));
      assertThat(all.texts).isEqualTo(ROWS);
      assertThat(all.reasons())
          .containsExactly(file + " row 3: no text in the field ('text' is null)");
    }
  }

  @Test
  void namesTheColumnsThereAre() throws IOException {
    Path file = write("plain.parquet", resource("plain.parquet"));
    assertThatThrownBy(() -> Collected.of(DataFiles.of(List.of(file), "txt")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "text_field: %s has no column 'txt'; its columns are text, id; nearest is text"
                .formatted(file));
    assertThatThrownBy(() -> Collected.of(DataFiles.of(List.of(file), "id")))
        .hasMessage("text_field: column 'id' of %s holds INT32, not text".formatted(file));
  }

  @Test
  void aTableThatBreaksOffIsSkipped() throws IOException {
    byte[] whole = resource("snappy.parquet");
    for (int length = 0; length < whole.length; length += 13) {
      Path file = write("cut.parquet", Arrays.copyOf(whole, length));
      Collected all = Collected.of(DataFiles.of(List.of(file), "text"));
      assertThat(all.texts).isEmpty();
      assertThat(all.reasons())
          .as("%d bytes", length)
          .singleElement()
          .asString()
          .startsWith(file + ": damaged file (")
          .doesNotContain("\n");
    }
  }

  /** Found by fuzzing: a thread of the library asked for no bytes, for ever. */
  @Test
  void aPageLongerThanItsColumnIsDamage() throws IOException {
    Path file = write("waits.parquet", resource("waits.parquet"));
    Collected all = Collected.of(DataFiles.of(List.of(file), "text"));
    assertThat(all.texts).isEmpty();
    assertThat(all.reasons())
        .singleElement()
        .asString()
        .contains("waits.parquet", "Failed to fetch chunk at offset 219");
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void takesTheSplitsOfADatasetFromItsNames() throws IOException {
    lines("data/train-00000-of-00002.jsonl", "a");
    lines("data/train-00001-of-00002.jsonl", "b");
    lines("data/validation-00000-of-00001.jsonl", "c");
    lines("data/test-00000-of-00001.jsonl", "d");
    write("README.md", new byte[] {'#'});
    write("dataset_info.json", new byte[] {'{', '}'});
    Collected all = Collected.of(DataFiles.of(List.of(folder), "text"));
    assertThat(all.texts).containsExactly("a", "b", "c");
    assertThat(all.splits)
        .containsExactly(
            Optional.of(Split.TRAIN), Optional.of(Split.TRAIN), Optional.of(Split.VALIDATION));
    assertThat(all.reasons())
        .containsExactly(
            Path.of("data", "test-00000-of-00001.jsonl")
                + ": split not used (validation is there)");
  }

  @Test
  void measuresOnTheTestSplitWhereThereIsNoOther() throws IOException {
    lines("test/0000.jsonl", "d");
    write("train/0000.parquet", resource("plain.parquet"));
    Collected all = Collected.of(DataFiles.of(List.of(folder), "text"));
    assertThat(all.texts.getFirst()).isEqualTo("d");
    assertThat(all.splits.getFirst()).hasValue(Split.VALIDATION);
    assertThat(all.splits.subList(1, 5)).containsOnly(Optional.of(Split.TRAIN));
  }

  @Test
  void leavesTheSplitOpenWhereOnlyTrainingIs() throws IOException {
    lines("train.jsonl", "a", "b");
    assertThat(Collected.of(DataFiles.of(List.of(folder), "text")).splits)
        .containsOnly(Optional.empty());
  }

  @Test
  void saysWhatIsNotThereOrNotRead() throws IOException {
    write("train/data-00000.arrow", new byte[9]);
    assertThatThrownBy(() -> HuggingFaceDataset.of(folder, "text"))
        .hasMessageContaining("Arrow files are not read; save the dataset with to_parquet");
    assertThatThrownBy(() -> DataFiles.of(List.of(folder.resolve("trian")), "text"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no such file or folder; nearest is " + folder.resolve("train"));
  }

  @Test
  void takesFilesAndFoldersTogether() throws IOException {
    lines("one.jsonl", "a");
    Path text = write("texts/b.txt", new byte[] {'b'});
    Collected all =
        Collected.of(
            DataFiles.of(List.of(folder.resolve("one.jsonl"), text.getParent(), text), "text"));
    assertThat(all.texts).containsExactly("a", "b", "b");
  }
}

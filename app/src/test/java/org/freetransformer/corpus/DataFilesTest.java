package org.freetransformer.corpus;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
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
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.DocumentFormat;
import org.freetransformer.data.Split;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Parquet files hold the same five rows in three row groups; hyparquet-writer, a program for
 * Node.js, wrote them, but for the index of pages in one, which was added byte by byte.
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
    for (String name :
        List.of(
            "plain.parquet", "indexed.parquet", "snappy.parquet", "gzip.parquet", "zstd.parquet")) {
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
  void aColumnOfListsIsNoText() throws IOException {
    // The schema says of the text: type 6, repetition 1 (optional); 2 is repeated.
    String repeated = latin(resource("plain.parquet")).replace("%\2\30\4text", "%\4\30\4text");
    Path file = write("lists.parquet", repeated.getBytes(ISO_8859_1));
    assertThatThrownBy(() -> Collected.of(DataFiles.of(List.of(file), "text")))
        .hasMessage(
            "text_field: column 'text' of %s holds lists or structures, not text".formatted(file));
  }

  @Test
  void aColumnMustBeTheOnlyOneOfItsName() throws IOException {
    String whole = latin(resource("plain.parquet"));
    String twice = whole.replace("\2id", "\4text");
    byte[] bytes = twice.getBytes(ISO_8859_1);
    // The footer's length, less than 64 KiB, stands before the mark at the end.
    int end = bytes.length - 8;
    int footer = (bytes[end] & 0xff) + (bytes[end + 1] << 8) + bytes.length - whole.length();
    bytes[end] = (byte) footer;
    bytes[end + 1] = (byte) (footer >> 8);
    Path file = write("twice.parquet", bytes);
    assertThatThrownBy(() -> Collected.of(DataFiles.of(List.of(file), "text")))
        .hasMessage("text_field: %s has more than one column 'text'".formatted(file));
  }

  private static String latin(byte[] bytes) {
    return new String(bytes, ISO_8859_1);
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

  /** The library would make arrays of that length, for each such page. */
  @Test
  void moreValuesThanAFileCanHoldAreDamage() throws IOException {
    byte[] whole = resource("plain.parquet");
    // The first page's header: type 3, 46 bytes, 46 when decompressed, 2 values, 0 nulls.
    byte[] header = {0x15, 6, 0x15, 0x5c, 0x15, 0x5c, 0x5c, 0x15, 4, 0x15, 0};
    assertThat(Arrays.copyOfRange(whole, 4, 15)).isEqualTo(header);
    // Instead 134,217,727 values, of which the last bytes are what the number of nulls was.
    byte[] claim = {(byte) 0xfe, (byte) 0xff, (byte) 0xff, 0x7f};
    System.arraycopy(claim, 0, whole, 12, claim.length);
    Path file = write("claims.parquet", whole);
    Collected all = Collected.of(DataFiles.of(List.of(file), "text"));
    assertThat(all.texts).isEmpty();
    assertThat(all.reasons())
        .containsExactly(file + ": damaged file (its pages claim to hold 134,217,727 values)");
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
                + ": not used (a test split beside validation)");
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
    assertThatThrownBy(() -> DataFiles.of(List.of(folder.resolve("trian")), "text"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no such file or folder; nearest is " + folder.resolve("train"));
  }

  /** As save_to_disk leaves it: the other files describe it. */
  @Test
  void aDatasetInArrowFilesIsRefused() throws IOException {
    Path arrow = write("train/data-00000-of-00001.arrow", new byte[9]);
    for (String name :
        List.of("dataset_dict.json", "train/dataset_info.json", "train/state.json")) {
      write(name, new byte[] {'{', '}'});
    }
    for (ThrowingCallable read :
        List.<ThrowingCallable>of(
            () -> DataFiles.of(List.of(folder), "text"),
            () -> DataFiles.datasetName(folder),
            () -> DocumentFormat.of(config("hf")))) {
      assertThatThrownBy(read)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(
              arrow + ": Arrow files are not read; save the dataset with to_parq");
    }
    lines("train/rows.jsonl", "a");
    Collected all = Collected.of(DataFiles.of(List.of(folder), "text"));
    assertThat(all.texts).containsExactly("a");
    assertThat(all.reasons())
        .containsExactly(
            Path.of("train", "data-00000-of-00001.arrow") + ": not used (no .parquet or .jsonl)");
  }

  private DataConfig config(String name) {
    return DataConfig.planLetters(1).withFiles(name, folder.toString());
  }

  @Test
  void jsonAmongTextsIsText() throws IOException {
    write("a.txt", new byte[] {'a'});
    write("package.json", new byte[] {'{', '}'});
    assertThat(DataFiles.datasetName(folder)).isEqualTo("text");
    Collected all = Collected.of(DataFiles.of(List.of(folder), "text"));
    assertThat(all.texts).containsExactly("a", "{}");
    assertThat(all.skips.total()).isZero();
  }

  /** The tables may lie where the link should lead. */
  @Test
  void saysWhatCannotBeReadWhereThereIsNoTable() throws IOException {
    Files.createSymbolicLink(folder.resolve("data"), folder.resolve("moved"));
    for (String name : List.of("jsonl", "parquet", "hf")) {
      assertThatThrownBy(() -> DocumentFormat.of(config(name)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("data_dir: " + folder + " holds no .")
          .hasMessageEndingWith(" files; data: cannot be read (a link to nothing)");
    }
  }

  @Test
  void saysWhatATableLeavesOut() throws IOException {
    write("a.txt", new byte[] {'a'});
    write("README.md", new byte[] {'#'});
    lines("b.jsonl", "b");
    write("c.parquet", resource("plain.parquet"));
    assertThat(DataFiles.datasetName(folder)).isEqualTo("hf");
    Collected all = Collected.of(DataFiles.of(List.of(folder), "text"));
    assertThat(all.texts).startsWith("b").hasSize(5);
    assertThat(all.reasons())
        .contains("a.txt: not used (no .parquet or .jsonl)")
        .noneMatch(reason -> reason.contains("README"));
    Collected lines = Collected.of(DocumentFormat.of(config("jsonl")));
    assertThat(lines.texts).containsExactly("b");
    assertThat(lines.reasons())
        .containsExactly("a.txt: not used (no .jsonl)", "c.parquet: not used (no .jsonl)");
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

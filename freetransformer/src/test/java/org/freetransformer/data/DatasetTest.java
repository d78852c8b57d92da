package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DatasetTest {

  @TempDir private Path folder;

  private DataConfig config(String name, Path dir, int length) {
    return config(name, dir, length, 10);
  }

  private DataConfig config(String name, Path dir, int length, int vocabulary) {
    return new DataConfig(name, dir.toString(), length, text(), vocabulary, 5, 100, 20, 1);
  }

  private TextConfig text() {
    return TextConfig.DEFAULT.withCacheDir(folder.resolve(".cache").toString());
  }

  @Test
  void uniformRandomIsShiftedAndEven() {
    UniformRandom data = new UniformRandom(10, 5, 100, 20, 1);
    int[] counts = new int[10];
    int[] tokens = new int[4];
    int[] targets = new int[4];
    for (int i = 0; i < 10_000; i++) {
      data.read(Split.TRAIN, i, tokens, targets, 0);
      assertThat(Arrays.copyOfRange(tokens, 1, 4)).isEqualTo(Arrays.copyOf(targets, 3));
      counts[targets[3]]++;
    }
    assertThat(data.length()).isEqualTo(4);
    // Expected are 1000 each; five standard deviations are 150.
    assertThat(Arrays.stream(counts).boxed())
        .allSatisfy(count -> assertThat(count).isBetween(850, 1150));
  }

  @Test
  void aTextFileIsCutInNineTenthsAndOne() throws IOException {
    Path file = Files.writeString(folder.resolve("a.txt"), "a".repeat(900) + "bcde".repeat(25));
    List<String> notes = new ArrayList<>();
    try (Dataset data = Dataset.open(config("text", file, 10), notes::add)) {
      assertThat(data.size(Split.TRAIN)).isEqualTo(90);
      assertThat(data.size(Split.VALIDATION)).isEqualTo(10);
      int[] tokens = new int[10];
      int[] targets = new int[10];
      data.read(Split.TRAIN, 3, tokens, targets, 0);
      assertThat(new ByteTokenizer().decode(tokens)).isEqualTo("aaaaaaaaaa");
      data.read(Split.VALIDATION, 1, tokens, targets, 0);
      assertThat(new ByteTokenizer().decode(tokens)).isEqualTo("debcdebcde");
      assertThat(new ByteTokenizer().decode(targets)).isEqualTo("ebcdebcdeb");
    }
    assertThat(notes).singleElement().asString().startsWith("making tokens of 1,000 bytes in ");
    Dataset.open(config("text", file, 20), notes::add).close();
    assertThat(notes).as("tokens are made once").hasSize(1);
    Files.writeString(file, "z".repeat(1000));
    Files.setLastModifiedTime(file, FileTime.fromMillis(0));
    Dataset.open(config("text", file, 20), notes::add).close();
    assertThat(notes).as("and again when the file has changed").hasSize(2);
  }

  @Test
  void refusesTextThatIsMissingOrTooShort() throws IOException {
    Path missing = folder.resolve("missing.txt");
    assertThatThrownBy(() -> Dataset.open(config("text", missing, 4), _ -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "data_dir: "
                + missing
                + " does not exist, seen from "
                + Path.of("").toAbsolutePath()
                + "; name a file or a folder of them");
    Path small = Files.writeString(folder.resolve("short.txt"), "x".repeat(40));
    assertThatThrownBy(() -> Dataset.open(config("text", small, 6), _ -> {}))
        .hasMessage(
            "max_length: 6 is too long: the validation data has 5 tokens in 1 documents; nearest is"
                + " 4");
    Path two = Files.createDirectory(folder.resolve("two"));
    Files.writeString(two.resolve("a.txt"), "x".repeat(40));
    Files.writeString(two.resolve("b.txt"), "y".repeat(40));
    assertThatThrownBy(() -> Dataset.open(config("text", two, 6), _ -> {}))
        .hasMessageContaining("; split: tails holds out the end of every document, a larger");
  }

  @Test
  void makingTokensCanBeStoppedAndGoneOnWith() throws IOException {
    Path file = Files.writeString(folder.resolve("a.txt"), "a".repeat(900));
    DataConfig config = config("text", file, 10);
    assertThatThrownBy(() -> Dataset.open(config, _ -> {}, () -> true))
        .isInstanceOf(CancellationException.class)
        .hasMessageContaining("the same command goes on");
    try (Dataset data = Dataset.open(config, _ -> {}, () -> false)) {
      assertThat(data.size(Split.TRAIN)).isPositive();
    }
    Dataset.open(config, _ -> {}, () -> true).close(); // Nothing is left to be stopped.
  }

  @Test
  void opensEveryKindOfData() throws IOException {
    List<String> notes = new ArrayList<>();
    Dataset letters = Dataset.open(DataConfig.planLetters(1), notes::add);
    assertThat(letters.vocabSize()).isEqualTo(29);
    assertThat(letters.length()).isEqualTo(DataConfig.planLetters(1).sequenceLength());
    Dataset random = Dataset.open(config("synthetic-x", folder, 64), notes::add);
    assertThat(random.size(Split.TRAIN)).isEqualTo(100);
    assertThat(random.length()).isEqualTo(config("synthetic-x", folder, 64).sequenceLength());
    assertThat(notes)
        .containsExactly(
            "data_dir: no train.pt in %s; the data is random: 100 sequences to train on, 20 to measure on"
                .formatted(folder));
  }

  @Test
  void readsTheSeedsOwnFiles() throws IOException {
    UniformRandom random = new UniformRandom(10, 5, 7, 3, 1);
    SeedSequencesWriter writer = new SeedSequencesWriter(random);
    writer.write(Split.TRAIN, folder.resolve("train.pt"), 1);
    writer.write(Split.VALIDATION, folder.resolve("val.pt"), 1);
    assertThat(folder.resolve("val_metadata.json"))
        .content()
        .contains("\"vocab_size\":10", "\"seq_length\":5", "\"num_samples\":3", "\"seed\":1");
    List<String> notes = new ArrayList<>();
    try (Dataset written = Dataset.open(config("synthetic-x", folder, 64), notes::add)) {
      assertThat(notes).isEmpty();
      assertThat(written).isInstanceOf(SeedSequences.class);
      assertThat(written.length()).isEqualTo(4);
      for (Split split : Split.values()) {
        assertThat(written.size(split)).isEqualTo(random.size(split));
        for (int i = 0; i < written.size(split); i++) {
          int[][] read = new int[4][4];
          written.read(split, i, read[0], read[1], 0);
          random.read(split, i, read[2], read[3], 0);
          assertThat(read[0]).isEqualTo(read[2]);
          assertThat(read[1]).isEqualTo(read[3]);
        }
      }
    }
    assertThatThrownBy(() -> Dataset.open(config("synthetic", folder, 64, 9), _ -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("synthetic_vocab_size: 9 is too small for the sequences in ")
        .hasMessageContaining("whose largest token is 9; set it to 10 or more");
    Files.writeString(folder.resolve("val.pt"), "PK");
    assertThatThrownBy(() -> Dataset.open(config("synthetic", folder, 64), _ -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(folder.resolve("val.pt").toString());
  }

  @Test
  void measuresOnTheSeedsFilesWithoutTheOneToTrainOn() throws IOException {
    UniformRandom random = new UniformRandom(10, 5, 7, 3, 1);
    new SeedSequencesWriter(random).write(Split.VALIDATION, folder.resolve("val.pt"), 1);
    List<String> notes = new ArrayList<>();
    try (Dataset written = Dataset.open(config("synthetic", folder, 64), notes::add)) {
      assertThat(notes).isEmpty();
      assertThat(written.size(Split.TRAIN)).isZero();
      Batch measured = new Batches(written, Split.VALIDATION, 3, 1).at(0);
      assertThat(measured.tokens())
          .isEqualTo(new Batches(random, Split.VALIDATION, 3, 1).at(0).tokens());
      assertThatThrownBy(() -> new Batches(written, Split.TRAIN, 3, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("data_dir: the training data has no examples");
    }
  }

  @Test
  void namesTheTokenizerOfEveryKind() {
    assertThat(Tokenizer.of(DataConfig.planLetters(1))).isInstanceOf(LetterAlphabet.class);
    assertThat(Tokenizer.of(config("text", folder, 4))).isInstanceOf(ByteTokenizer.class);
    assertThat(Tokenizer.of(config("synthetic", folder, 4)).vocabSize()).isEqualTo(10);
  }
}

package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DatasetTest {

  @TempDir private Path folder;

  private DataConfig config(String name, Path dir, int length) {
    return new DataConfig(name, dir.toString(), length, "byte", 10, 5, 100, 20, 1);
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
  void textIsCutInNineTenthsAndOne() {
    byte[] text = new byte[1000];
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) (i < 900 ? 1 : i - 900);
    }
    TextBytes data = new TextBytes(text, 10, 1);
    int[] tokens = new int[10];
    int[] targets = new int[10];
    for (int i = 0; i < 1000; i++) {
      data.read(Split.TRAIN, i, tokens, targets, 0);
      assertThat(targets).containsOnly(1);
    }
    assertThat(data.size(Split.VALIDATION)).isEqualTo(9);
    data.read(Split.VALIDATION, 8, tokens, targets, 0);
    assertThat(tokens).containsExactly(80, 81, 82, 83, 84, 85, 86, 87, 88, 89);
    assertThat(targets[9]).isEqualTo(90);
  }

  @Test
  void textBytesAreUnsignedAndStartAnywhere() {
    byte[] text = new byte[2000];
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) i;
    }
    TextBytes data = new TextBytes(text, 3, 1);
    int[] tokens = new int[3];
    boolean[] starts = new boolean[256];
    for (int i = 0; i < 5000; i++) {
      data.read(Split.TRAIN, i, tokens, new int[3], 0);
      assertThat(tokens[1]).isEqualTo((tokens[0] + 1) % 256);
      starts[tokens[0]] = true;
    }
    for (boolean start : starts) {
      assertThat(start).isTrue();
    }
  }

  @Test
  void readsAFileOrAFolderInTheOrderOfNames() throws IOException {
    Path inner = Files.createDirectory(folder.resolve("b"));
    Files.writeString(folder.resolve("a.txt"), "a".repeat(95));
    Files.writeString(inner.resolve("c.txt"), "bcdef", StandardCharsets.UTF_8);
    Dataset data = Dataset.open(config("text", folder, 4), _ -> {});
    int[] tokens = new int[4];
    data.read(Split.VALIDATION, 1, tokens, new int[4], 0);
    assertThat(new ByteTokenizer().decode(tokens)).isEqualTo("abcd");
    Dataset file = Dataset.open(config("text", folder.resolve("a.txt"), 4), _ -> {});
    assertThat(file.size(Split.VALIDATION)).isEqualTo(2);
  }

  @Test
  void refusesTextThatIsMissingOrTooShort() throws IOException {
    Path missing = folder.resolve("missing.txt");
    assertThatThrownBy(() -> Dataset.open(config("text", missing, 4), _ -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "data_dir: "
                + missing
                + " cannot be read; name a text file or a folder of them (NoSuchFileException)");
    Path small = Files.writeString(folder.resolve("short.txt"), "x".repeat(40));
    assertThatThrownBy(() -> Dataset.open(config("text", small, 4), _ -> {}))
        .hasMessage(
            "max_length: 4 is too long: the last tenth of the text has 4 bytes; nearest is 3");
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
    assertThat(notes).isEmpty();
    Files.createFile(folder.resolve("train.pt"));
    Dataset.open(config("synthetic", folder, 64), notes::add);
    assertThat(notes).singleElement().asString().contains("train.pt is not read in this version");
  }

  @Test
  void namesTheTokenizerOfEveryKind() {
    assertThat(Tokenizer.of(DataConfig.planLetters(1))).isInstanceOf(LetterAlphabet.class);
    assertThat(Tokenizer.of(config("text", folder, 4))).isInstanceOf(ByteTokenizer.class);
    assertThat(Tokenizer.of(config("synthetic", folder, 4)).vocabSize()).isEqualTo(10);
  }
}

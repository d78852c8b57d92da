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
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PreparedTokensTest {

  @TempDir private Path folder;
  private Path corpus;
  private Path out;

  /** Token v of character v, of which there are more than fit in two bytes. */
  private record WideTokenizer() implements Tokenizer {
    @Override
    public int vocabSize() {
      return 1 << 17;
    }

    @Override
    public int[] encode(String text) {
      return text.codePoints().toArray();
    }

    @Override
    public String decode(int... tokens) {
      return new String(tokens, 0, tokens.length);
    }

    @Override
    public int byteLength(int token) {
      return Character.toString(token).getBytes(StandardCharsets.UTF_8).length;
    }

    @Override
    public OptionalInt endOfText() {
      return OptionalInt.of(vocabSize() - 1);
    }
  }

  @BeforeEach
  void writeCorpus() throws IOException {
    corpus = PreparationTest.corpus(folder.resolve("corpus"), 60);
    out = folder.resolve("out");
  }

  private void prepare(Tokenizer tokenizer) throws IOException {
    TextFiles source = new TextFiles(FileListing.of(corpus), 2000);
    new Preparation(source, tokenizer, new byte[0], PreparationTest.SETTINGS)
        .run(out, 2, _ -> {}, () -> false);
  }

  /** All tokens of a split, as the shards' files have them. */
  private int[] all(Split split, Tokenizer tokenizer) throws IOException {
    List<Integer> tokens = new ArrayList<>();
    List<String> held = new ArrayList<>();
    for (Path file : FileListing.of(corpus).files()) {
      String text = Files.readString(file);
      boolean validation = SplitRule.holdsOut(text, 0.2, 5);
      if (!text.isBlank() && text.charAt(0) != 0 && validation == (split == Split.VALIDATION)) {
        held.add(text);
      }
    }
    for (String text : held) {
      Arrays.stream(tokenizer.encode(text)).forEach(tokens::add);
      tokens.add(tokenizer.endOfText().orElseThrow());
    }
    return tokens.stream().mapToInt(Integer::intValue).toArray();
  }

  @Test
  void examplesThatCrossDocumentsAreTheStreamInPieces() throws IOException {
    for (Tokenizer tokenizer : List.of(new ByteTokenizer(), new WideTokenizer())) {
      out = folder.resolve("out" + tokenizer.vocabSize());
      prepare(tokenizer);
      for (Split split : Split.values()) {
        int[] all = all(split, tokenizer);
        try (PreparedTokens data = new PreparedTokens(out, 37, true)) {
          assertThat(data.vocabSize()).isEqualTo(tokenizer.vocabSize());
          assertThat(data.size(split)).isEqualTo((all.length - 1) / 37);
          int[] tokens = new int[40];
          int[] targets = new int[40];
          for (int i = 0; i < data.size(split); i++) {
            data.read(split, i, tokens, targets, 3);
            assertThat(Arrays.copyOfRange(tokens, 3, 40))
                .isEqualTo(Arrays.copyOfRange(all, i * 37, i * 37 + 37));
            assertThat(Arrays.copyOfRange(targets, 3, 40))
                .isEqualTo(Arrays.copyOfRange(all, i * 37 + 1, i * 37 + 38));
          }
          assertThat(tokens).startsWith(0, 0, 0);
        }
      }
    }
  }

  @Test
  void examplesOfDocumentsKeptApartAreFilledUp() throws IOException {
    prepare(new ByteTokenizer());
    int[] all = all(Split.TRAIN, new ByteTokenizer());
    List<Integer> counted = new ArrayList<>();
    try (PreparedTokens data = new PreparedTokens(out, 50, false)) {
      int[] tokens = new int[50];
      int[] targets = new int[50];
      for (int i = 0; i < data.size(Split.TRAIN); i++) {
        data.read(Split.TRAIN, i, tokens, targets, 0);
        for (int j = 0; j < 50; j++) {
          if (targets[j] != Batch.IGNORE) {
            assertThat(tokens[j]).as("nothing follows the end of a document").isNotZero();
            counted.add(targets[j]);
          }
        }
      }
    }
    // Every token but the first of each document is a target once.
    List<Integer> expected = new ArrayList<>();
    for (int i = 1; i < all.length; i++) {
      if (all[i - 1] != 0) {
        expected.add(all[i]);
      }
    }
    assertThat(counted).isEqualTo(expected);
  }

  @Test
  void findsEveryDamagedByte() throws IOException {
    prepare(new ByteTokenizer());
    Random random = new Random(2);
    for (TokenShard shard : TokenManifest.read(out).shards()) {
      Path file = out.resolve(random.nextBoolean() ? shard.tokensFile() : shard.endsFile());
      byte[] bytes = Files.readAllBytes(file);
      byte[] damaged = bytes.clone();
      damaged[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(file, damaged);
      assertRefused(file, "is damaged: its checksum is not the one in the manifest");
      Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
      assertRefused(file, "is damaged");
      Files.delete(file);
      assertRefused(file, "cannot be read (NoSuchFileException)");
      Files.write(file, bytes);
    }
    new PreparedTokens(out, 5, true).close();
  }

  private void assertRefused(Path file, String problem) {
    assertThatThrownBy(() -> new PreparedTokens(out, 5, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(file + ": " + problem);
  }

  @Test
  void refusesAManifestThatIsDamagedOrLies() throws IOException {
    prepare(new ByteTokenizer());
    Path file = out.resolve(TokenManifest.FILE);
    String good = Files.readString(file);
    assertLie(good.replace("train-00000", "../etc/passwd"), "is not the name of a shard");
    assertLie(good.replaceFirst("\"vocab_size\":256", "\"vocab_size\":99"), "holds token");
    assertLie(good.replaceFirst("\"vocab_size\":256", "\"vocab_size\":99999"), "the size in the");
    assertLie(good.replaceFirst("\"version\":1", "\"version\":2"), "version: 2 is out of range");
    assertLie(good.substring(0, good.length() / 2), "is not valid JSON");
    assertLie(good.replaceFirst("\"shards\":\\[", "\"shards\":[7,"), "must be a mapping");
    Files.delete(file);
    assertThatThrownBy(() -> new PreparedTokens(out, 5, true))
        .hasMessageContaining("holds no prepared tokens");
  }

  private void assertLie(String manifest, String problem) throws IOException {
    Files.writeString(out.resolve(TokenManifest.FILE), manifest);
    assertThatThrownBy(() -> new PreparedTokens(out, 5, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(problem);
  }

  @Test
  void saysHowToHoldSomethingOut() throws IOException {
    for (Path file : FileListing.of(corpus).files()) {
      if (!file.endsWith("000.txt")) {
        Files.delete(file);
      }
    }
    prepare(new ByteTokenizer());
    assertThatThrownBy(() -> new PreparedTokens(out, 5, true))
        .hasMessageContaining("prepare them anew: --split tails holds out the end of every")
        .hasMessageContaining("a larger --validation-fraction");
  }

  @Test
  void readingAfterCloseIsAnErrorNotACrash() throws IOException {
    prepare(new ByteTokenizer());
    PreparedTokens data = new PreparedTokens(out, 5, true);
    data.close();
    assertThatThrownBy(() -> data.read(Split.TRAIN, 0, new int[5], new int[5], 0))
        .isInstanceOf(IllegalStateException.class);
  }
}

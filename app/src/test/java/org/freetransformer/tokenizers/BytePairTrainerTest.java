package org.freetransformer.tokenizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.data.TokenizerFormat;
import org.freetransformer.tokenizers.BytePairTrainer.Vocabulary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BytePairTrainerTest {
  @TempDir private Path folder;

  private static Vocabulary train(List<String> texts, int vocabSize) {
    BytePairTrainer trainer = new BytePairTrainer();
    for (String text : texts) {
      Map<String, Long> counts = new HashMap<>();
      BytePairTrainer.count(text, counts);
      trainer.add(counts);
    }
    return trainer.train(vocabSize);
  }

  /**
   * Text in which pairs repeat: words of few letters, signs, numbers, white space, other scripts.
   */
  static String text(Random random, int words) {
    String[] pieces = {
      "a", "b", "ab", "aba", "é", "λ", "😀", "1", "23", "!", "--", "'s", "'ll", " ", "  ", "\n",
      "\t", "\r\n", "\u00A0", "\u2003", "字", "\0", "\uFEFF"
    };
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < words; i++) {
      for (int length = random.nextInt(6); length >= 0; length--) {
        text.append(pieces[random.nextInt(random.nextBoolean() ? 5 : pieces.length)]);
      }
      text.append(random.nextInt(8) == 0 ? "\n" : " ");
    }
    return text.toString();
  }

  private Tokenizer written(Vocabulary vocabulary) throws IOException {
    Path file = Files.writeString(folder.resolve("tokenizer.json"), TokenizerJson.of(vocabulary));
    return TokenizerFormat.byName(file.toString());
  }

  @Test
  void learnsWhatThePlainAlgorithmLearns() {
    for (int seed = 0; seed < 8; seed++) {
      Random random = new Random(seed);
      List<String> texts = List.of(text(random, 60), text(random, 200), text(random, 5));
      int vocabSize = BytePairTrainer.BASE_TOKENS + random.nextInt(120);
      Vocabulary learnt = train(texts, vocabSize);
      Vocabulary expected = ReferenceBytePairs.train(texts, vocabSize);
      assertThat(learnt.merges()).as("seed %d", seed).isEqualTo(expected.merges());
      assertThat(learnt.tokens()).isEqualTo(expected.tokens());
    }
  }

  @Test
  void theOrderOfTextsChangesNothing() {
    Random random = new Random(3);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      texts.add(text(random, 30));
    }
    Vocabulary one = train(texts, 400);
    Collections.shuffle(texts, random);
    assertThat(train(texts, 400)).isEqualTo(one);
  }

  @Test
  void stopsWhenNothingRepeats() {
    Vocabulary vocabulary = train(List.of("abab cd"), 1000);
    assertThat(vocabulary.merges()).hasSize(1);
    assertThat(vocabulary.tokens()).hasSize(BytePairTrainer.BASE_TOKENS + 1).endsWith("ab");
    assertThatThrownBy(() -> train(List.of("x"), 256))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "--vocab: 256 is out of range; allowed are whole numbers from 257 to 1048576; nearest"
                + " is 257");
  }

  /** Learning takes the longer part of the time: Ctrl-C must be heard there as well. */
  @Test
  void canBeStoppedWhileItLearns() {
    BytePairTrainer trainer = new BytePairTrainer();
    Map<String, Long> counts = new HashMap<>();
    BytePairTrainer.count(text(new Random(4), 2000), counts);
    trainer.add(counts);
    int words = trainer.distinctWords();
    for (int until : new int[] {0, words / 2, words + 20}) {
      AtomicInteger asked = new AtomicInteger();
      assertThat(trainer.train(600, () -> asked.getAndIncrement() >= until)).isEmpty();
      assertThat(asked.get()).as("goes on no longer").isLessThanOrEqualTo(until + 2);
    }
    assertThat(trainer.train(600, () -> false)).contains(trainer.train(600));
  }

  @Test
  void theLibraryOfTheFormatGivesTheIdsOfThePlainAlgorithm() throws IOException {
    Random random = new Random(5);
    Vocabulary vocabulary = train(List.of(text(random, 3000)), 500);
    Tokenizer tokenizer = written(vocabulary);
    assertThat(tokenizer.vocabSize()).isEqualTo(500);
    assertThat(tokenizer.endOfText()).hasValue(0);
    for (int i = 0; i < 50; i++) {
      String text = text(random, 20);
      int[] ids = tokenizer.encode(text);
      assertThat(ids).as(text).isEqualTo(ReferenceBytePairs.encode(vocabulary, text));
      assertThat(tokenizer.decode(ids)).isEqualTo(text);
    }
  }

  @Test
  void everyTextSurvivesARoundTrip() throws IOException {
    Tokenizer tokenizer = written(train(List.of(text(new Random(5), 1000)), 400));
    Random random = new Random(9);
    for (int i = 0; i < 200; i++) {
      StringBuilder text = new StringBuilder();
      for (int length = random.nextInt(60); length > 0; length--) {
        int limit = random.nextBoolean() ? 0x80 : random.nextBoolean() ? 0x3000 : 0x110000;
        int point = random.nextInt(limit);
        text.appendCodePoint(point >= 0xD800 && point < 0xE000 ? 'x' : point);
      }
      int[] ids = tokenizer.encode(text.toString());
      assertThat(tokenizer.decode(ids)).isEqualTo(text.toString());
      int bytes = 0;
      for (int id : ids) {
        bytes += tokenizer.byteLength(id);
      }
      assertThat(bytes).isEqualTo(text.toString().getBytes(StandardCharsets.UTF_8).length);
    }
    assertThat(tokenizer.decode()).isEmpty();
    assertThat(tokenizer.byteLength(0)).isZero();
    assertThatThrownBy(() -> tokenizer.decode(400)).hasMessageContaining("0 to 399");
  }

  @Test
  void aLongTextIsEncodedAsAShortOneIs() throws IOException {
    Vocabulary vocabulary = train(List.of(text(new Random(5), 1000)), 300);
    Tokenizer tokenizer = written(vocabulary);
    String text = text(new Random(6), JsonTokenizer.PIECE / 3);
    assertThat(text.length()).isGreaterThan(2 * JsonTokenizer.PIECE);
    assertThat(tokenizer.encode(text)).isEqualTo(ReferenceBytePairs.encode(vocabulary, text));
  }

  @Test
  void theFileIsThatOfTheFormat() throws IOException {
    Vocabulary vocabulary = train(List.of("low lower lowest low low"), 262);
    JsonNode root = new ObjectMapper().readTree(TokenizerJson.of(vocabulary));
    assertThat(root.path("model").path("type").asText()).isEqualTo("BPE");
    assertThat(root.path("model").path("vocab").path("Ġlow").asInt()).isGreaterThan(256);
    assertThat(root.path("model").path("merges").path(0).asText()).isEqualTo("l o");
    assertThat(root.path("added_tokens").path(0).path("content").asText())
        .isEqualTo("<|endoftext|>");
    assertThat(root.path("pre_tokenizer").path("add_prefix_space").asBoolean(true)).isFalse();
  }
}

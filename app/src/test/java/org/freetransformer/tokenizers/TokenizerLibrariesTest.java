package org.freetransformer.tokenizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.data.TokenizerFormat;
import org.freetransformer.generate.SampleText;
import org.freetransformer.generate.StopStrings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TokenizerLibrariesTest {
  @TempDir private Path folder;

  /** Ids as OpenAI's own encoder gives them. */
  @Test
  void gpt2GivesTheKnownIds() {
    Tokenizer gpt2 = TokenizerFormat.byName("gpt2");
    assertThat(gpt2.vocabSize()).isEqualTo(50_257);
    assertThat(gpt2.endOfText()).hasValue(50_256);
    assertThat(gpt2.encode("Hello world")).containsExactly(15496, 995);
    assertThat(gpt2.encode("Hello, world!")).containsExactly(15496, 11, 995, 0);
    assertThat(gpt2.encode("The quick brown fox jumps over the lazy dog."))
        .containsExactly(464, 2068, 7586, 21831, 18045, 625, 262, 16931, 3290, 13);
    assertThat(gpt2.encode("")).isEmpty();
    assertThat(gpt2.encode("<|endoftext|>")).doesNotContain(50_256);
    assertThat(gpt2.decode(50_256)).isEqualTo("<|endoftext|>");
    assertThat(gpt2.byteLength(50_256)).isZero();
    assertThat(gpt2.byteLength(995)).isEqualTo(" world".length());
    assertThatThrownBy(() -> gpt2.decode(50_257)).hasMessageContaining("0 to 50256");
  }

  @Test
  void gpt2GivesEveryTextBack() {
    Tokenizer gpt2 = new Gpt2Tokenizer();
    Random random = new Random(4);
    for (int i = 0; i < 100; i++) {
      String text = BytePairTrainerTest.text(random, 30);
      assertThat(gpt2.decode(gpt2.encode(text))).isEqualTo(text);
    }
  }

  @Test
  void gpt2StreamsWhatItDecodes() {
    Tokenizer gpt2 = new Gpt2Tokenizer();
    Random random = new Random(5);
    for (int i = 0; i < 100; i++) {
      String text = BytePairTrainerTest.text(random, 30);
      SampleText streamed = new SampleText(gpt2, new StopStrings(List.of()));
      for (int token : gpt2.encode(text)) {
        streamed.add(token);
      }
      streamed.finish();
      assertThat(streamed.take()).isEqualTo(text);
    }
  }

  @Test
  void refusesWhatIsNoTokenizerInOneLine() throws IOException {
    assertThatThrownBy(() -> TokenizerFormat.byName("gpt-2"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "tokenizer: there is no file 'gpt-2'; allowed are byte, gpt2, or the path of a"
                + " tokenizer.json; nearest is gpt2");
    Map<String, String> damaged = new HashMap<>();
    damaged.put("", "has no vocabulary");
    damaged.put("{\"model\": {\"vocab\":", ":1: is not valid JSON: ");
    damaged.put("\0\1\2", ":1: is not valid JSON: ");
    damaged.put("[]", "has no vocabulary under model.vocab");
    damaged.put("{\"model\": {\"vocab\": {\"a\": -1}}}", "holds the token id -1");
    damaged.put("{\"model\": {\"vocab\": {\"a\": 4000000000}}}", "holds the token id 4000000000");
    damaged.put("{\"model\": {\"vocab\": {\"a\": \"b\"}}}", "holds the token id \"b\"");
    damaged.put("{\"model\": {\"vocab\": {\"a\": 0}}}", "is not a tokenizer that can be read");
    damaged.put(
        "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"x y\"]}}",
        "is not a tokenizer that can be read");
    for (Map.Entry<String, String> file : damaged.entrySet()) {
      Path path = Files.writeString(folder.resolve("tokenizer.json"), file.getKey());
      assertThatThrownBy(() -> TokenizerFormat.byName(folder.toString()))
          .as(file.getKey())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith(path.toString())
          .hasMessageContaining(file.getValue())
          .message()
          .doesNotContain("\n");
    }
  }
}

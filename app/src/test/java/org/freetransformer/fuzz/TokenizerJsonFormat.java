package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.data.TokenizerFormat;
import org.freetransformer.tokenizers.BytePairTrainer;
import org.freetransformer.tokenizers.TokenizerJson;

/** Tokenizers as Hugging Face's library saves them. */
final class TokenizerJsonFormat implements Format {
  private static final String TEXT = "the lowest λ 😀\n";

  private final Path file;

  TokenizerJsonFormat(Path folder) {
    file = folder.resolve("tokenizer.json");
  }

  @Override
  public List<byte[]> seeds() {
    BytePairTrainer trainer = new BytePairTrainer();
    Map<String, Long> counts = new HashMap<>();
    BytePairTrainer.count("low lower lowest, the lowest of the low", counts);
    trainer.add(counts);
    String json = TokenizerJson.of(trainer.train(270)).replaceAll("\\s+", " ");
    return List.of(json.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public List<String> words() {
    return Words.jsonAnd(
        "\"id\":0",
        "\"vocab\":{}",
        "\"merges\":[]",
        "\"added_tokens\":[",
        "\"type\":\"Unigram\"",
        "\"type\":\"WordPiece\"",
        "\"type\":\"WordLevel\"",
        "\"type\":\"Metaspace\"",
        "\"byte_fallback\":true",
        "\"unk_token\":\"a\"",
        "\"normalizer\":{\"type\":\"NFC\"},",
        "\"truncation\":{\"max_length\":",
        "\"padding\":{\"strategy\":{\"Fixed\":1099511627776}}");
  }

  @Override
  public void read(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    Tokenizer tokenizer = TokenizerFormat.byName(file.toString());
    for (int token : tokenizer.encode(TEXT)) {
      tokenizer.byteLength(token);
      tokenizer.decode(token);
    }
  }

  @Override
  public boolean isRefusal(Throwable problem) {
    return problem instanceof IllegalArgumentException;
  }
}

package org.freetransformer.tokenizers;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a {@code tokenizer.json} says of its tokens: how many there are, and what each stands for.
 */
final class TokenBytes {
  private static final int MAX_TOKENS = 1 << 24;

  /** Names of the token that ends a text, the usual ones first. */
  private static final List<String> ENDS =
      List.of("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eot_id|>", "[SEP]");

  private static final Pattern BYTE = Pattern.compile("<0x[0-9A-F]{2}>");

  private final int[] byteLengths;
  private final boolean byteLevel;
  private final int endOfText;

  private TokenBytes(int[] byteLengths, boolean byteLevel, int endOfText) {
    this.byteLengths = byteLengths;
    this.byteLevel = byteLevel;
    this.endOfText = endOfText;
  }

  /**
   * Reads the vocabulary of a tokenizer.
   *
   * @throws IllegalArgumentException if there is none, or an id is out of range
   */
  static TokenBytes of(JsonNode root) {
    JsonNode vocabulary = root.path("model").path("vocab");
    if (vocabulary.isEmpty()) {
      throw new IllegalArgumentException("has no vocabulary under model.vocab");
    }
    boolean byteLevel =
        Stream.of("pre_tokenizer", "decoder")
            .allMatch(step -> root.path(step).findValuesAsText("type").contains("ByteLevel"));
    int[] lengths = new int[sizeOf(vocabulary, root.path("added_tokens"))];
    if (vocabulary.isObject()) {
      for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
        lengths[entry.getValue().asInt()] = byteLength(entry.getKey(), byteLevel);
      }
    } else {
      for (int id = 0; id < vocabulary.size(); id++) {
        lengths[id] = byteLength(vocabulary.path(id).path(0).asText(), byteLevel);
      }
    }
    int end = -1;
    int rank = ENDS.size();
    for (JsonNode added : root.path("added_tokens")) {
      String name = added.path("content").asText();
      int id = added.path("id").asInt();
      lengths[id] =
          added.path("special").asBoolean() ? 0 : name.getBytes(StandardCharsets.UTF_8).length;
      int found = ENDS.indexOf(name);
      if (found >= 0 && found < rank) {
        rank = found;
        end = id;
      }
    }
    return new TokenBytes(lengths, byteLevel, end);
  }

  private static int sizeOf(JsonNode vocabulary, JsonNode added) {
    int last = vocabulary.isObject() ? -1 : vocabulary.size() - 1;
    if (vocabulary.isObject()) {
      for (JsonNode id : vocabulary) {
        last = Math.max(last, requireId(id));
      }
    }
    for (JsonNode token : added) {
      last = Math.max(last, requireId(token.path("id")));
    }
    return last + 1;
  }

  private static int requireId(JsonNode id) {
    if (!id.canConvertToInt() || id.asInt() < 0 || id.asInt() >= MAX_TOKENS) {
      throw new IllegalArgumentException(
          "holds the token id %s; allowed are 0 to %d".formatted(id, MAX_TOKENS - 1));
    }
    return id.asInt();
  }

  /** In byte-level tokens a character is a byte; elsewhere ▁ is a space, and <0xNN> a byte. */
  private static int byteLength(String token, boolean byteLevel) {
    if (byteLevel) {
      return token.length();
    }
    return BYTE.matcher(token).matches()
        ? 1
        : token.replace('▁', ' ').getBytes(StandardCharsets.UTF_8).length;
  }

  int vocabSize() {
    return byteLengths.length;
  }

  /** Whether each character of a token is a byte. */
  boolean isByteLevel() {
    return byteLevel;
  }

  int byteLength(int token) {
    return byteLengths[token];
  }

  OptionalInt endOfText() {
    return endOfText < 0 ? OptionalInt.empty() : OptionalInt.of(endOfText);
  }
}

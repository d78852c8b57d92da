package org.freetransformer.tokenizers;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.Origin;
import org.freetransformer.data.Tokenizer;

/**
 * A tokenizer in the format of Hugging Face, {@code tokenizer.json}, run by that project's own
 * library. Special tokens that stand in a text are read as those tokens, as the format says.
 */
public final class JsonTokenizer implements Tokenizer {
  private static final long MAX_BYTES = 128 << 20;

  /** Characters that are given to the library at once, or a line more. */
  static final int PIECE = 1 << 18;

  static {
    // The library is in the jar: it shall neither look for a GPU's own build nor load one.
    System.setProperty("RUST_FLAVOR", "cpu");
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
  }

  /** Lives as long as the program: what it holds natively is freed with it. */
  private final HuggingFaceTokenizer library;

  private final TokenBytes tokens;

  private JsonTokenizer(HuggingFaceTokenizer library, TokenBytes tokens) {
    this.library = library;
    this.tokens = tokens;
  }

  /**
   * Reads a file.
   *
   * @throws ConfigException if it is missing, or not a tokenizer that the library understands
   */
  public static JsonTokenizer read(Path file) {
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw problem(file, "is %,d bytes long; allowed are %,d".formatted(size, MAX_BYTES));
      }
      byte[] json = Files.readAllBytes(file);
      TokenBytes tokens = TokenBytes.of(new ObjectMapper().readTree(json));
      return new JsonTokenizer(open(file, json), tokens);
    } catch (JsonProcessingException malformed) {
      int line = malformed.getLocation() == null ? 0 : malformed.getLocation().getLineNr();
      throw problem(
          file, line, "is not valid JSON: " + ConfigJson.reason(malformed.getOriginalMessage()));
    } catch (IOException unreadable) {
      throw problem(file, "cannot be read (%s)".formatted(unreadable.getClass().getSimpleName()));
    } catch (IllegalArgumentException incomplete) {
      throw incomplete instanceof ConfigException
          ? incomplete
          : problem(file, String.valueOf(incomplete.getMessage()));
    }
  }

  private static HuggingFaceTokenizer open(Path file, byte[] json) throws IOException {
    try {
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(json),
          Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
    } catch (RuntimeException refused) {
      throw problem(
          file, "is not a tokenizer that can be read: " + String.valueOf(refused.getMessage()));
    } catch (LinkageError missing) {
      throw new IllegalStateException(
          "the native library for tokenizer.json cannot be loaded on this system (%s, %s): %s"
              .formatted(
                  System.getProperty("os.name"),
                  System.getProperty("os.arch"),
                  missing.getMessage()),
          missing);
    }
  }

  private static ConfigException problem(Path file, String problem) {
    return problem(file, 0, problem);
  }

  private static ConfigException problem(Path file, int line, String problem) {
    return new ConfigException("", problem).at(new Origin(file.toString(), line), "");
  }

  @Override
  public int vocabSize() {
    return tokens.vocabSize();
  }

  @Override
  public OptionalInt endOfText() {
    return tokens.endOfText();
  }

  @Override
  public int[] encode(String text) {
    IntStream.Builder encoded = IntStream.builder();
    int from = 0;
    while (from < text.length()) {
      int to = tokens.isByteLevel() ? pieceEnd(text, from) : text.length();
      for (long id : library.encode(text.substring(from, to), false, false).getIds()) {
        encoded.add(Math.toIntExact(id));
      }
      from = to;
    }
    return encoded.build().toArray();
  }

  /**
   * Where a piece of a long text ends, for the library takes hundreds of bytes of memory for each
   * token: between two lines that no white space surrounds, where byte-level tokenizers cut anyway.
   */
  private static int pieceEnd(String text, int from) {
    for (int i = from + PIECE; i < text.length(); i++) {
      if (text.charAt(i - 1) == '\n'
          && !Character.isWhitespace(text.charAt(i - 2))
          && !Character.isWhitespace(text.charAt(i))) {
        return i;
      }
    }
    return text.length();
  }

  @Override
  public String decode(int... encoded) {
    Arrays.stream(encoded).forEach(token -> Tokenizer.checkToken(token, vocabSize()));
    return encoded.length == 0
        ? ""
        : library.decode(Arrays.stream(encoded).asLongStream().toArray(), false);
  }

  @Override
  public int byteLength(int token) {
    return tokens.byteLength(Tokenizer.checkToken(token, vocabSize()));
  }
}

package org.freetransformer.data;

import static org.freetransformer.config.Limits.between;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;

/**
 * How documents become examples.
 *
 * @param tokenizer {@code byte}, {@code gpt2}, or the path of a {@code tokenizer.json}
 * @param textField field of JSONL objects, column of tables, that holds the text
 * @param split what is held out to measure on
 * @param validationFraction share that is held out, from 0 to ½
 * @param crossDocuments whether an example goes on into the next document; if not, it is padded
 * @param cacheDir folder for tokens of data that was not prepared by hand; empty for {@code
 *     .cache/free-transformer} in the user's home
 */
public record TextConfig(
    String tokenizer,
    String textField,
    SplitRule split,
    double validationFraction,
    boolean crossDocuments,
    String cacheDir) {

  /** The tokenizer whose tokens are the bytes of UTF-8. */
  public static final String BYTE = "byte";

  /** The tokenizer of GPT-2. */
  public static final String GPT2 = "gpt2";

  /** Number of different tokens of {@link #GPT2}. */
  public static final int GPT2_VOCAB_SIZE = 50_257;

  /** What is taken where a configuration says nothing. */
  public static final TextConfig DEFAULT =
      new TextConfig(BYTE, "text", SplitRule.AUTO, 0.1, true, "");

  /**
   * Checks every value.
   *
   * @throws ConfigException naming the first key that is wrong
   */
  public TextConfig {
    if (tokenizer.isBlank()) {
      throw new ConfigException(
          "tokenizer", "is empty; allowed are byte, gpt2, or the path of a tokenizer.json");
    }
    if (textField.isEmpty()) {
      throw new ConfigException("text_field", "is empty; the usual name is text");
    }
    between("validation_fraction", validationFraction, 0, 0.5);
  }

  /** The tokenizer's file, where it has one. */
  public Optional<String> tokenizerFile() {
    return tokenizer.equals(BYTE) || tokenizer.equals(GPT2)
        ? Optional.empty()
        : Optional.of(tokenizer);
  }

  /** The same with another tokenizer. */
  public TextConfig withTokenizer(String other) {
    return new TextConfig(other, textField, split, validationFraction, crossDocuments, cacheDir);
  }

  /** The same with another folder for tokens. */
  public TextConfig withCacheDir(String folder) {
    return new TextConfig(tokenizer, textField, split, validationFraction, crossDocuments, folder);
  }

  /**
   * Reads its keys; what comes back checks them, once the section knows all its keys.
   *
   * @param usualTokenizer where none is named
   */
  static Supplier<TextConfig> read(ConfigSection section, String usualTokenizer) {
    String seedsName = section.text("tokenizer_name", usualTokenizer);
    String tokenizer = section.text("tokenizer", seedsName);
    String field = section.text("text_field", DEFAULT.textField);
    SplitRule split = section.choice("split", SplitRule.class, DEFAULT.split);
    double fraction = section.number("validation_fraction", DEFAULT.validationFraction);
    boolean cross = section.flag("cross_documents", DEFAULT.crossDocuments);
    String cache = section.text("cache_dir", DEFAULT.cacheDir);
    return () -> new TextConfig(tokenizer, field, split, fraction, cross, cache);
  }

  /** All keys and values as they are read. */
  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("tokenizer", tokenizer);
    map.put("text_field", textField);
    map.put("split", ConfigSection.nameOf(split));
    map.put("validation_fraction", validationFraction);
    map.put("cross_documents", crossDocuments);
    map.put("cache_dir", cacheDir);
    return map;
  }
}

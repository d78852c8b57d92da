package org.freetransformer.run;

import org.freetransformer.config.ConfigException;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.model.ModelConfig;

/** Text as a model can read it. */
public final class PromptTokens {
  private PromptTokens() {}

  /**
   * The tokens of a text.
   *
   * @param key where the text stands; empty if it has no key
   * @throws ConfigException if it holds what has no token, or a token that only the tokenizer
   *     knows; if it is empty, or too long
   */
  public static int[] of(String key, String text, Tokenizer tokenizer, ModelConfig model) {
    int[] tokens;
    try {
      tokens = tokenizer.encode(text);
    } catch (IllegalArgumentException unknown) {
      throw new ConfigException(key, String.valueOf(unknown.getMessage()));
    }
    int most = model.maxSeqLen();
    if (tokens.length < 1 || tokens.length > most) {
      throw new ConfigException(
          key,
          "has %d tokens; this model takes 1 to %d (max_seq_len)".formatted(tokens.length, most));
    }
    for (int token : tokens) {
      if (token >= model.vocabSize()) {
        throw new ConfigException(
            key,
            "'%s' is token %d of the tokenizer; this model's tokens are 0 to %d (vocab_size)"
                .formatted(tokenizer.decode(token), token, model.vocabSize() - 1));
      }
    }
    return tokens;
  }
}

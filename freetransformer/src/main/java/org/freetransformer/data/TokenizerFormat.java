package org.freetransformer.data;

import java.util.Optional;
import java.util.ServiceLoader;

/**
 * Opens tokenizers that need more than the JDK. Implementations are found by {@link ServiceLoader},
 * so that an application adds its own by naming a class.
 */
public interface TokenizerFormat {

  /**
   * The tokenizer of this name, if this format knows it.
   *
   * @param name {@code gpt2}, or the path of a file {@code tokenizer.json}
   * @throws IllegalArgumentException if it should be one, but is missing or damaged
   */
  Optional<Tokenizer> open(String name);

  /**
   * The tokenizer of this name: {@code byte}, or what a format on the class path knows.
   *
   * @throws IllegalArgumentException if there is none, or its file is missing or damaged
   */
  static Tokenizer byName(String name) {
    if (name.equals(TextConfig.BYTE)) {
      return new ByteTokenizer();
    }
    return ServiceLoader.load(TokenizerFormat.class).stream()
        .map(provider -> provider.get().open(name))
        .flatMap(Optional::stream)
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "tokenizer: '%s' needs a library that is not on the class path; it comes with ft-app"
                    .formatted(name)));
  }
}

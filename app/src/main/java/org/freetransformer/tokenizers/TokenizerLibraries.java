package org.freetransformer.tokenizers;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Nearest;
import org.freetransformer.data.TextConfig;
import org.freetransformer.data.TokenManifest;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.data.TokenizerFormat;

/** GPT-2's tokenizer, and any in a file {@code tokenizer.json}. */
public final class TokenizerLibraries implements TokenizerFormat {
  /** For {@link java.util.ServiceLoader}. */
  public TokenizerLibraries() {}

  @Override
  public Optional<Tokenizer> open(String name) {
    if (name.equals(TextConfig.GPT2)) {
      return Optional.of(new Gpt2Tokenizer());
    }
    Path path = Path.of(name);
    Path file = Files.isDirectory(path) ? path.resolve(TokenManifest.TOKENIZER) : path;
    if (!Files.isRegularFile(file)) {
      String near =
          Nearest.to(name, List.of(TextConfig.BYTE, TextConfig.GPT2))
              .map(known -> "; nearest is " + known)
              .orElse("");
      throw new ConfigException(
          "tokenizer",
          "there is no file '%s'; allowed are byte, gpt2, or the path of a tokenizer.json%s"
              .formatted(file, near));
    }
    return Optional.of(JsonTokenizer.read(file));
  }
}

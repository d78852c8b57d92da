package org.freetransformer.data;

import static org.freetransformer.config.Limits.between;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;

/**
 * What a folder of prepared tokens holds. Its file is written last: a folder that has one is
 * complete.
 *
 * @param identity digest of the data and the settings that the tokens were made of
 * @param tokenizer {@code byte}, {@code gpt2}, or the name of a file in the folder
 * @param vocabSize number of different tokens
 * @param shards in order
 * @param skips what was not made into tokens
 */
public record TokenManifest(
    String identity, String tokenizer, int vocabSize, List<TokenShard> shards, Skips skips) {

  /** Its name in the folder. */
  public static final String FILE = "manifest.json";

  /** The name of a tokenizer's file in a folder. */
  public static final String TOKENIZER = Checkpoint.TOKENIZER;

  private static final String FORMAT = "free-transformer-tokens";
  private static final int VERSION = 1;

  /** Checks the vocabulary. */
  public TokenManifest {
    between("vocab_size", vocabSize, 1, 1 << 24);
    shards = List.copyOf(shards);
  }

  /** Tokens of a split. */
  public long tokens(Split split) {
    return sum(split, TokenShard::tokens);
  }

  /** Documents of a split. */
  public long documents(Split split) {
    return sum(split, TokenShard::documents);
  }

  /** Bytes of UTF-8 that a split's tokens stand for. */
  public long bytes(Split split) {
    return sum(split, TokenShard::bytes);
  }

  private long sum(Split split, ToLongFunction<TokenShard> number) {
    return shards.stream().filter(shard -> shard.split() == split).mapToLong(number).sum();
  }

  /** The tokenizer's name as a configuration gives it: a file's with its folder. */
  public String tokenizerIn(Path folder) {
    return tokenizer.equals(TOKENIZER) ? folder.resolve(TOKENIZER).toString() : tokenizer;
  }

  /**
   * The manifest of a folder.
   *
   * @throws IllegalArgumentException if there is none, or it is damaged
   */
  public static TokenManifest read(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      throw new IllegalArgumentException(
          "data_dir: %s holds no prepared tokens: it has no %s; ft data prepare makes them"
              .formatted(folder, FILE));
    }
    ConfigSection section = JsonFile.read(file);
    String format = section.text("format", "");
    int version = section.integer("version", 0);
    String identity = section.text("identity", "");
    String tokenizer = section.text("tokenizer", "");
    int vocabSize = section.integer("vocab_size", 0);
    List<TokenShard> shards = shards(section);
    Skips skips = Skips.read(section);
    for (String forPeople : List.of("token_bytes", "train", "validation")) {
      section.has(forPeople);
    }
    return section.build(() -> {
      if (!format.equals(FORMAT)) {
        throw new ConfigException("format", "'%s' is not %s".formatted(format, FORMAT));
      }
      between("version", version, 1, VERSION);
      return new TokenManifest(identity, tokenizer, vocabSize, shards, skips);
    });
  }

  void write(Path folder) throws IOException {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("format", FORMAT);
    map.put("version", VERSION);
    map.put("identity", identity);
    map.put("tokenizer", tokenizer);
    map.put("vocab_size", vocabSize);
    map.put("token_bytes", TokenWidth.of(vocabSize).bytes());
    for (Split split : Split.values()) {
      map.put(
          ConfigSection.nameOf(split),
          Map.of("tokens", tokens(split), "documents", documents(split), "bytes", bytes(split)));
    }
    map.put("shards", shards.stream().map(TokenShard::toMap).toList());
    map.putAll(skips.toMap());
    JsonFile.write(folder.resolve(FILE), map);
  }

  static List<TokenShard> shards(ConfigSection section) {
    return section.sections("shards").stream().map(TokenShard::read).toList();
  }
}

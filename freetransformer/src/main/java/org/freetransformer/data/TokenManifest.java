package org.freetransformer.data;

import static org.freetransformer.config.Limits.between;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.freetransformer.checkpoint.AtomicFile;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.config.Origin;

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
  public static final String TOKENIZER = "tokenizer.json";

  private static final String FORMAT = "free-transformer-tokens";
  private static final int VERSION = 1;
  private static final long MAX_BYTES = 1 << 28;

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
    ConfigSection section = ConfigSection.root(readJson(file));
    String format = section.text("format", "");
    int version = section.integer("version", 0);
    String identity = section.text("identity", "");
    String tokenizer = section.text("tokenizer", "");
    int vocabSize = section.integer("vocab_size", 0);
    List<TokenShard> shards = shards(section);
    Skips skips = skips(section);
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
    map.putAll(toMap(skips));
    writeJson(folder.resolve(FILE), map);
  }

  static List<TokenShard> shards(ConfigSection section) {
    return section.sections("shards").stream().map(TokenShard::read).toList();
  }

  /** Counts by reason and the first places, as reports give them. */
  public static Map<String, Object> toMap(Skips skips) {
    Map<String, Object> counts = new LinkedHashMap<>();
    skips.counts().forEach((reason, count) -> counts.put(ConfigSection.nameOf(reason), count));
    List<Map<String, Object>> places = new ArrayList<>();
    for (Skips.Skip skip : skips.first()) {
      Map<String, Object> place = new LinkedHashMap<>();
      place.put("reason", ConfigSection.nameOf(skip.reason()));
      place.put("place", skip.place());
      place.put("detail", skip.detail());
      places.add(place);
    }
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("skipped", counts);
    map.put("skipped_first", places);
    return map;
  }

  static Skips skips(ConfigSection section) {
    Skips skips = new Skips();
    ConfigSection counts = section.section("skipped");
    for (SkipReason reason : SkipReason.values()) {
      String key = ConfigSection.nameOf(reason);
      if (counts.has(key)) {
        skips.addCount(reason, counts.longInteger(key, 0));
      }
    }
    for (ConfigSection place : section.sections("skipped_first")) {
      skips.addPlace(
          new Skips.Skip(
              place.choice("reason", SkipReason.class, SkipReason.UNREADABLE),
              place.text("place", ""),
              place.text("detail", "")));
    }
    return skips;
  }

  static ConfigNode readJson(Path file) {
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new ConfigException("", "is %d bytes long, which no manifest is".formatted(size))
            .at(Origin.of(file.toString()), "");
      }
      return ConfigJson.read(Files.readString(file), file.toString());
    } catch (IOException unreadable) {
      throw new ConfigException("", "cannot be read: " + unreadable.getClass().getSimpleName())
          .at(Origin.of(file.toString()), "");
    }
  }

  static void writeJson(Path file, Map<String, Object> map) throws IOException {
    byte[] json = (ConfigJson.write(map) + "\n").getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(file, channel -> channel.write(ByteBuffer.wrap(json)));
  }
}

package org.freetransformer.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;

/**
 * One stretch of tokens in a prepared folder: a file {@code NAME.tokens} with the tokens, one after
 * the other, and a file {@code NAME.ends} with the place behind each document's last token, eight
 * bytes each, lowest byte first.
 *
 * @param split what the tokens are for
 * @param name of both files
 * @param tokens number of tokens, those between documents included
 * @param documents number of documents
 * @param bytes of UTF-8 that the tokens stand for
 * @param tokensChecksum CRC32C of the first file
 * @param endsChecksum CRC32C of the second file
 */
public record TokenShard(
    Split split,
    String name,
    long tokens,
    long documents,
    long bytes,
    long tokensChecksum,
    long endsChecksum) {

  static final String TOKENS_ENDING = ".tokens";
  static final String ENDS_ENDING = ".ends";

  private static final Pattern NAME = Pattern.compile("[a-z0-9-]{1,40}");

  /**
   * Checks counts and name, which must not lead out of the folder.
   *
   * @throws ConfigException naming the first key that is wrong
   */
  public TokenShard {
    if (!NAME.matcher(name).matches()) {
      throw new ConfigException("name", "'%s' is not the name of a shard".formatted(name));
    }
    if (tokens < 0 || documents < 0 || bytes < 0) {
      throw new ConfigException("tokens", "a count is negative");
    }
  }

  /**
   * Whether a file is the first of a shard's two, as its name and the second beside it say.
   *
   * @param folder in which shards are looked for, and not in the folders in it
   */
  public static boolean isOne(Path folder, Path file) {
    String name = String.valueOf(file.getFileName());
    return folder.equals(file.getParent())
        && name.endsWith(TOKENS_ENDING)
        && Files.exists(
            folder.resolve(
                name.substring(0, name.length() - TOKENS_ENDING.length()) + ENDS_ENDING));
  }

  /** Reads what {@link #toMap} gives. */
  static TokenShard read(ConfigSection section) {
    Split split = section.choice("split", Split.class, Split.TRAIN);
    String name = section.text("name", "");
    long tokens = section.longInteger("tokens", -1);
    long documents = section.longInteger("documents", -1);
    long bytes = section.longInteger("bytes", -1);
    long tokensChecksum = section.longInteger("tokens_crc32c", -1);
    long endsChecksum = section.longInteger("ends_crc32c", -1);
    return section.build(
        () -> new TokenShard(split, name, tokens, documents, bytes, tokensChecksum, endsChecksum));
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("split", ConfigSection.nameOf(split));
    map.put("name", name);
    map.put("tokens", tokens);
    map.put("documents", documents);
    map.put("bytes", bytes);
    map.put("tokens_crc32c", tokensChecksum);
    map.put("ends_crc32c", endsChecksum);
    return map;
  }

  /** Name of the shard of a part. */
  static String nameOf(Split split, int part) {
    return String.format(Locale.ROOT, "%s-%05d", ConfigSection.nameOf(split), part);
  }

  String tokensFile() {
    return name + TOKENS_ENDING;
  }

  String endsFile() {
    return name + ENDS_ENDING;
  }
}

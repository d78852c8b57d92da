package org.freetransformer.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;

/**
 * What came of one part of a source: written when its shards are complete, and gone when all parts
 * are.
 *
 * @param shards one for each split that has documents
 * @param skips what was skipped
 */
record PartRecord(List<TokenShard> shards, Skips skips) {

  static final String ENDING = ".part.json";

  private static Path file(Path folder, int number) {
    return folder.resolve(String.format(Locale.ROOT, "%05d%s", number, ENDING));
  }

  /** The record of a part that was completed before, if its shards are as they were written. */
  static Optional<PartRecord> read(Path folder, int number) {
    Path file = file(folder, number);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      ConfigSection section = JsonFile.read(file);
      PartRecord record = new PartRecord(TokenManifest.shards(section), Skips.read(section));
      for (TokenShard shard : record.shards) {
        ShardFile.verify(folder, shard);
      }
      return Optional.of(record);
    } catch (ConfigException damaged) {
      return Optional.empty(); // It is made anew.
    }
  }

  void write(Path folder, int number) throws IOException {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("shards", shards.stream().map(TokenShard::toMap).toList());
    map.putAll(skips.toMap());
    JsonFile.write(file(folder, number), map);
  }
}

package org.freetransformer.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.freetransformer.checkpoint.AtomicFile;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.config.Origin;

/** The small files beside tokens that say what they are, each one JSON object. */
final class JsonFile {

  private static final long MAX_BYTES = 1 << 28;

  private JsonFile() {}

  /**
   * The object in a file.
   *
   * @throws ConfigException naming the file, if it cannot be read, is too long, or is no JSON
   */
  static ConfigSection read(Path file) {
    return ConfigSection.root(node(file));
  }

  private static ConfigNode node(Path file) {
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw problem(file, "is %d bytes long; at most %d are read".formatted(size, MAX_BYTES));
      }
      return ConfigJson.read(Files.readString(file), file.toString());
    } catch (IOException unreadable) {
      throw problem(file, "cannot be read: " + unreadable.getClass().getSimpleName());
    }
  }

  private static ConfigException problem(Path file, String problem) {
    return new ConfigException("", problem).at(Origin.of(file.toString()), "");
  }

  /**
   * Writes or replaces a file.
   *
   * @throws IOException if it cannot be written; one that was there before is as it was then
   */
  static void write(Path file, Map<String, Object> map) throws IOException {
    byte[] json = (ConfigJson.write(map) + "\n").getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(file, channel -> channel.write(ByteBuffer.wrap(json)));
  }
}

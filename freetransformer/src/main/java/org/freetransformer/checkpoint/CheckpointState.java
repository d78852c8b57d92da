package org.freetransformer.checkpoint;

import static org.freetransformer.config.Limits.between;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigSection;

/**
 * Where a run stands, besides its weights and moments. As all random numbers are functions of the
 * seed, the step and a place, this is all it takes to go on as if nothing had happened.
 *
 * @param step optimizer steps done
 * @param tokens target tokens trained on
 * @param dataPosition training examples taken, the position of the next batch
 * @param seed of the run
 */
public record CheckpointState(long step, long tokens, long dataPosition, long seed) {

  /** The format of checkpoint folders that this version writes and reads. */
  public static final int FORMAT_VERSION = 1;

  /**
   * Checks the counters.
   *
   * @throws ConfigException if one is negative
   */
  public CheckpointState {
    requireCount("step", step);
    requireCount("tokens", tokens);
    requireCount("data_position", dataPosition);
  }

  private static void requireCount(String key, long value) {
    if (value < 0) {
      throw new ConfigException(key, value + " is negative; counters start at 0");
    }
  }

  /**
   * Reads {@code state.json}.
   *
   * @throws CheckpointException if it is missing, is not what {@link #writeTo} writes, or was
   *     written by a newer version
   */
  static CheckpointState read(Path file) {
    try {
      String json = Files.readString(file);
      ConfigSection section = ConfigSection.root(ConfigJson.read(json, file.toString()));
      int version = section.integer("format_version", 0);
      long step = number(section, "step");
      long tokens = number(section, "tokens");
      long position = number(section, "data_position");
      long seed = number(section, "seed");
      return section.build(() -> {
        between("format_version", version, 1, FORMAT_VERSION);
        return new CheckpointState(step, tokens, position, seed);
      });
    } catch (IOException unreadable) {
      throw new CheckpointException(file.toString(), "is missing or cannot be read", unreadable);
    } catch (ConfigException wrong) {
      throw new CheckpointException(file.toString(), String.valueOf(wrong.getMessage()), wrong);
    }
  }

  private static long number(ConfigSection section, String key) {
    if (!section.has(key)) {
      throw new ConfigException(key, "is missing");
    }
    return section.longInteger(key, 0);
  }

  void writeTo(WritableByteChannel channel) throws IOException {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("format_version", FORMAT_VERSION);
    map.put("step", step);
    map.put("tokens", tokens);
    map.put("data_position", dataPosition);
    map.put("seed", seed);
    byte[] json = (ConfigJson.write(map) + "\n").getBytes(StandardCharsets.UTF_8);
    channel.write(ByteBuffer.wrap(json));
  }
}

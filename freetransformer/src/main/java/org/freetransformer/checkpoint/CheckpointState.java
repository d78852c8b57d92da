package org.freetransformer.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
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
 * @param heldOutBound nats per held-out token, if the model was evaluated at this step
 * @param formatVersion of the checkpoint's folder
 */
public record CheckpointState(
    long step,
    long tokens,
    long dataPosition,
    long seed,
    OptionalDouble heldOutBound,
    int formatVersion) {

  /** The format of checkpoint folders that this version writes; it reads all before. */
  public static final int FORMAT_VERSION = 2;

  static final int FIRST_WITH_CHECKSUMS = 2;

  /**
   * Checks the counters.
   *
   * @throws ConfigException if one is negative
   */
  public CheckpointState {
    requireCount("step", step);
    requireCount("tokens", tokens);
    requireCount("data_position", dataPosition);
    if (heldOutBound.isPresent() && !Double.isFinite(heldOutBound.getAsDouble())) {
      heldOutBound = OptionalDouble.empty(); // Nothing to choose the best by.
    }
  }

  /** A state in the newest format. */
  public CheckpointState(
      long step, long tokens, long dataPosition, long seed, OptionalDouble heldOutBound) {
    this(step, tokens, dataPosition, seed, heldOutBound, FORMAT_VERSION);
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
      int version = formatVersion(section, file);
      long step = number(section, "step");
      long tokens = number(section, "tokens");
      long position = number(section, "data_position");
      long seed = number(section, "seed");
      double bound = section.number("held_out_bound", Double.NaN);
      return section.build(() ->
          new CheckpointState(step, tokens, position, seed, OptionalDouble.of(bound), version));
    } catch (NoSuchFileException missing) {
      throw CheckpointException.damaged(file.toString(), "is missing", missing);
    } catch (CharacterCodingException binary) {
      throw CheckpointException.damaged(file.toString(), "is not text in UTF-8", binary);
    } catch (IOException unreadable) {
      throw CheckpointException.unreadable(file.toString(), unreadable);
    } catch (ConfigException wrong) {
      throw CheckpointException.damaged(file.toString(), wrong);
    }
  }

  /** Before all else, as newer formats may have keys that this version does not know. */
  private static int formatVersion(ConfigSection section, Path file) {
    int version = section.integer("format_version", 0);
    if (version > FORMAT_VERSION) {
      throw new CheckpointException(
          file.toString(),
          "format_version: %d is newer than this program, which reads 1 to %d; a newer version of"
                  .formatted(version, FORMAT_VERSION)
              + " it is needed");
    }
    if (version < 1) {
      throw new ConfigException(
          "format_version", "%d is none; known are 1 to %d".formatted(version, FORMAT_VERSION));
    }
    return version;
  }

  private static long number(ConfigSection section, String key) {
    if (!section.has(key)) {
      throw new ConfigException(key, "is missing");
    }
    return section.longInteger(key, 0);
  }

  void writeTo(WritableByteChannel channel) throws IOException {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("format_version", formatVersion);
    map.put("step", step);
    map.put("tokens", tokens);
    map.put("data_position", dataPosition);
    map.put("seed", seed);
    heldOutBound.ifPresent(bound -> map.put("held_out_bound", bound));
    byte[] json = (ConfigJson.write(map) + "\n").getBytes(StandardCharsets.UTF_8);
    channel.write(ByteBuffer.wrap(json));
  }
}

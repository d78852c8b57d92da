package org.freetransformer.checkpoint;

import java.util.function.Supplier;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.tensor.Tensor;

/** The saved state of one {@link StatefulPart}, valid while its file is open. */
public final class PartState {

  private final SafeTensors file;
  private final String part;
  private final ConfigSection numbers;

  private PartState(SafeTensors file, String part, ConfigSection numbers) {
    this.file = file;
    this.part = part;
    this.numbers = numbers;
  }

  /**
   * The state of a part in the file of all parts.
   *
   * @throws CheckpointException if the file has none
   */
  static PartState of(SafeTensors file, String part) {
    String json = file.metadata().get(part);
    if (json == null) {
      throw new CheckpointException(file.source(), "holds no state of " + part);
    }
    try {
      return new PartState(
          file,
          part,
          ConfigSection.root(ConfigJson.read(json, file.source() + ", metadata " + part)));
    } catch (ConfigException wrong) {
      throw CheckpointException.of(file.source(), wrong);
    }
  }

  /**
   * A whole number.
   *
   * @throws CheckpointException if it is missing, or not one
   */
  public long whole(String key) {
    return read(key, () -> numbers.longInteger(key, 0));
  }

  /**
   * A number, to the last bit.
   *
   * @throws CheckpointException if it is missing, or not one
   */
  public double number(String key) {
    return read(key, () -> numbers.number(key, 0));
  }

  /**
   * True or false.
   *
   * @throws CheckpointException if it is missing, or neither
   */
  public boolean flag(String key) {
    return read(key, () -> numbers.flag(key, false));
  }

  /**
   * Fills a tensor of the same type and shape.
   *
   * @throws CheckpointException if there is none of this name, type and shape
   */
  public void tensor(String name, Tensor into) {
    ModelFile.copy(file, PartsFile.tensorName(part, name), into);
  }

  private <T> T read(String key, Supplier<T> value) {
    if (!numbers.has(key)) {
      throw new CheckpointException(
          file.source(), "the state of %s has no %s".formatted(part, key));
    }
    try {
      return value.get();
    } catch (ConfigException wrong) {
      throw CheckpointException.of(file.source(), wrong);
    }
  }
}

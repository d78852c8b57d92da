package org.freetransformer.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigNode;

/** Files beside these tests, and the numbers in them. */
final class Resources {
  private Resources() {}

  static byte[] bytes(String name) {
    try (InputStream stream = Resources.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(stream, name).readAllBytes();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  /** Copies files to a folder under their last names. */
  static Path copy(Path folder, String... names) {
    try {
      for (String name : names) {
        Files.write(folder.resolve(name.substring(name.lastIndexOf('/') + 1)), bytes(name));
      }
      return folder;
    } catch (IOException unwritable) {
      throw new UncheckedIOException(unwritable);
    }
  }

  /** The object in a JSON file. */
  static ConfigNode.Mapping json(String name) {
    String text = new String(bytes(name), StandardCharsets.UTF_8);
    return (ConfigNode.Mapping) ConfigJson.read(text, name);
  }

  /** The numbers under a key, lists of lists laid end to end. */
  static List<Double> numbers(ConfigNode.Mapping json, String key) {
    return flat(Objects.requireNonNull(json.entries().get(key), key)).toList();
  }

  private static Stream<Double> flat(ConfigNode node) {
    return node instanceof ConfigNode.Sequence(List<ConfigNode> items, var _)
        ? items.stream().flatMap(Resources::flat)
        : Stream.of(
            ((Number) Objects.requireNonNull(((ConfigNode.Scalar) node).value())).doubleValue());
  }
}

package org.freetransformer.run;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Origin;
import org.freetransformer.data.TextConfig;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/** Configuration files in YAML, and the changes that {@code --set} makes to them. */
public final class ConfigFile {
  private static final List<String> DATA_PATHS = List.of("data_dir", "tokenizer");

  private ConfigFile() {}

  /**
   * Reads a file; its values know their lines.
   *
   * @throws ConfigException if there is no such file (naming the nearest one beside it), if it
   *     cannot be read, or if it is not YAML
   */
  public static ConfigNode read(Path file) {
    InputFiles.requireReadable(file, "configuration file");
    String text;
    try {
      text = Files.readString(file);
    } catch (CharacterCodingException binary) {
      throw cannotRead(file, "is not text in UTF-8", binary);
    } catch (IOException failure) {
      throw cannotRead(file, "cannot be read: " + FileProblems.reason(failure), failure);
    }
    return parse(text, file.toString());
  }

  /** Reads a document that is in memory, named {@code source} in errors. */
  public static ConfigNode parse(String yaml, String source) {
    return YamlReader.readFile(yaml, source);
  }

  /** The document with values replaced or added, one after the other. */
  public static ConfigNode set(ConfigNode document, List<String> assignments) {
    ConfigNode changed = document;
    for (String assignment : assignments) {
      changed = set(changed, assignment);
    }
    return changed;
  }

  /**
   * The document with one value replaced or added.
   *
   * @param assignment {@code key=value}, the key with dots, the value as in YAML
   * @throws ConfigException if it has no {@code =} or nothing behind it, or the key leads through a
   *     plain value
   */
  public static ConfigNode set(ConfigNode document, String assignment) {
    Origin origin = Origin.of("--set " + assignment);
    int equals = assignment.indexOf('=');
    if (equals < 1) {
      throw new ConfigException("", "is not key=value, as in training.max_steps=100")
          .at(origin, "");
    }
    ConfigNode.Mapping mapping = requireMapping(document);
    String key = assignment.substring(0, equals).strip();
    String value = assignment.substring(equals + 1);
    if (value.isBlank()) { // A variable of a script that was not set: no default is meant.
      throw new ConfigException(key, YamlReader.NO_VALUE).at(origin, key);
    }
    return mapping.with(key, YamlReader.readValue(value, origin.source()));
  }

  /**
   * The document as what every configuration is.
   *
   * @throws ConfigException if it is a plain value or a list
   */
  public static ConfigNode.Mapping requireMapping(ConfigNode document) {
    if (document instanceof ConfigNode.Mapping mapping) {
      return mapping;
    }
    throw new ConfigException("", "the configuration is not a mapping of keys to values")
        .at(document.origin(), "");
  }

  /**
   * The document with the relative paths of its data made absolute, so that a run can be gone on
   * with, and evaluated, in any working folder. A path that leads nowhere stays as it is.
   *
   * @param file beside which a path is looked for, or beside its folder as in {@code
   *     configs/text.yaml}, if it leads nowhere from the working folder; null if there is none
   */
  public static ConfigNode locateData(ConfigNode document, @Nullable Path file) {
    if (!(document instanceof ConfigNode.Mapping root)
        || !(root.entries().get("data") instanceof ConfigNode.Mapping data)) {
      return document;
    }
    ConfigNode.Mapping located = root;
    for (String key : DATA_PATHS) {
      if (data.entries().get(key) instanceof ConfigNode.Scalar(String path, Origin origin)) {
        Optional<Path> found = locate(path, file);
        if (found.isPresent()) {
          ConfigNode absolute = new ConfigNode.Scalar(found.get().toString(), origin);
          located = located.with("data." + key, absolute);
        }
      }
    }
    return located;
  }

  private static Optional<Path> locate(String path, @Nullable Path file) {
    if (path.isEmpty() || TextConfig.BYTE.equals(path) || TextConfig.GPT2.equals(path)) {
      return Optional.empty();
    }
    List<Path> folders = new ArrayList<>(List.of(Path.of("").toAbsolutePath()));
    Path folder = file == null ? null : file.toAbsolutePath().getParent();
    for (int i = 0; i < 2 && folder != null; i++) {
      folders.add(folder);
      folder = folder.getParent();
    }
    try {
      return folders.stream()
          .map(from -> from.resolve(path).normalize())
          .filter(Files::exists)
          .findFirst();
    } catch (InvalidPathException strange) {
      return Optional.empty(); // Whoever opens it says so.
    }
  }

  /** The text of a configuration file that {@link #read} gives back as this map. */
  public static String write(Map<String, Object> document) {
    DumpSettings settings =
        DumpSettings.builder()
            .setSchema(new CoreSchema())
            .setDefaultFlowStyle(FlowStyle.BLOCK)
            .build();
    return new Dump(settings).dumpToString(document);
  }

  private static ConfigException cannotRead(Path file, String problem, IOException cause) {
    ConfigException exception = FileProblems.at(file, problem);
    exception.addSuppressed(cause);
    return exception;
  }
}

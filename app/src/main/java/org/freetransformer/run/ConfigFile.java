package org.freetransformer.run;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Origin;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/** Configuration files in YAML, and the changes that {@code --set} makes to them. */
public final class ConfigFile {

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
   * @throws ConfigException if it has no {@code =}, or the key leads through a plain value
   */
  public static ConfigNode set(ConfigNode document, String assignment) {
    Origin origin = Origin.of("--set " + assignment);
    int equals = assignment.indexOf('=');
    if (equals < 1) {
      throw new ConfigException("", "is not key=value, as in training.max_steps=100")
          .at(origin, "");
    }
    if (!(document instanceof ConfigNode.Mapping mapping)) {
      throw new ConfigException("", "the configuration is not a mapping of keys to values")
          .at(document.origin(), "");
    }
    String value = assignment.substring(equals + 1);
    return mapping.with(
        assignment.substring(0, equals).strip(), YamlReader.readValue(value, origin.source()));
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
    ConfigException exception = new ConfigException("", problem).at(Origin.of(file.toString()), "");
    exception.addSuppressed(cause);
    return exception;
  }
}

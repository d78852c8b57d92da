package org.freetransformer.run;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Origin;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.ConstructNode;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.composer.Composer;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.parser.Parser;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * Turns YAML into a configuration tree with line numbers. Plain values follow YAML's core schema;
 * tags that would make other objects, repeated keys, and documents that grow out of their aliases
 * are refused.
 */
final class YamlReader {
  /** What is wrong with a key that has nothing behind it. */
  static final String NO_VALUE = "has no value; null stands for the default, '' for an empty text";

  private static final int MAX_DEPTH = 64;
  private static final int MAX_VALUES = 100_000;

  private final String source;
  private final boolean hasLines;
  private final LoadSettings settings;
  private int values;

  private YamlReader(String source, boolean hasLines) {
    this.source = source;
    this.hasLines = hasLines;
    this.settings =
        LoadSettings.builder()
            .setLabel(source)
            .setSchema(new CoreSchema())
            .setAllowNonScalarKeys(true) // Refused below, with their line.
            .build();
  }

  /**
   * Reads the one document of a file.
   *
   * @param source the name to print in errors
   * @throws ConfigException with the line of what is not YAML, or not a configuration
   */
  static ConfigNode readFile(String yaml, String source) {
    return new YamlReader(source, true).read(yaml);
  }

  /** Reads a value from the command line, where lines mean nothing. */
  static ConfigNode readValue(String yaml, String source) {
    return new YamlReader(source, false).read(yaml);
  }

  private ConfigNode read(String yaml) {
    try {
      Optional<Node> root = compose(yaml);
      return root.isEmpty()
          ? new ConfigNode.Scalar(null, Origin.of(source))
          : convert(root.get(), 0);
    } catch (MarkedYamlEngineException malformed) {
      int line = malformed.getProblemMark().map(this::lineOf).orElse(0);
      String context = malformed.getContext() == null ? "" : malformed.getContext() + ": ";
      throw problem("is not valid YAML: " + context + oneLine(malformed.getProblem()), line);
    } catch (YamlEngineException malformed) {
      throw problem("is not valid YAML: " + oneLine(malformed.getMessage()), 0);
    }
  }

  private Optional<Node> compose(String yaml) {
    try {
      requireShallow(parser(yaml));
      return new Composer(settings, parser(yaml)).getSingleNode();
    } catch (NumberFormatException malformed) {
      throw problem("is not valid YAML: an escape is not in hexadecimal digits", 0);
    } catch (ConfigException tooDeep) {
      throw tooDeep;
    } catch (IllegalArgumentException malformed) { // A tag that the library makes and refuses.
      throw problem("is not valid YAML: " + oneLine(malformed.getMessage()), 0);
    }
  }

  private Parser parser(String yaml) {
    return new ParserImpl(settings, new StreamReader(settings, yaml));
  }

  /** The composer calls itself for every level, and would overflow the stack. */
  private void requireShallow(Parser events) {
    int depth = 0;
    while (events.hasNext()) {
      switch (events.next()) {
        case CollectionStartEvent start -> {
          if (++depth > MAX_DEPTH) {
            throw problem(
                "nests deeper than %d levels".formatted(MAX_DEPTH),
                start.getStartMark().map(this::lineOf).orElse(0));
          }
        }
        case CollectionEndEvent _ -> depth--;
        default -> {}
      }
    }
  }

  private ConfigNode convert(Node node, int depth) {
    return convert(node, new Origin(source, lineOf(node)), depth);
  }

  private ConfigNode convert(Node node, Origin origin, int depth) {
    if (depth > MAX_DEPTH) {
      throw problem("nests deeper than %d levels".formatted(MAX_DEPTH), origin.line());
    }
    if (++values > MAX_VALUES) {
      throw problem("has more than %d values".formatted(MAX_VALUES), origin.line());
    }
    return switch (node) {
      case MappingNode mapping -> new ConfigNode.Mapping(entries(mapping, depth), origin);
      case SequenceNode sequence -> {
        List<ConfigNode> items = new ArrayList<>();
        for (Node item : sequence.getValue()) {
          items.add(convert(item, depth + 1));
        }
        yield new ConfigNode.Sequence(items, origin);
      }
      case ScalarNode scalar -> new ConfigNode.Scalar(value(scalar), origin);
      default -> throw problem("holds a value of unknown kind", origin.line());
    };
  }

  private Map<String, ConfigNode> entries(MappingNode mapping, int depth) {
    Map<String, ConfigNode> entries = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      int line = lineOf(tuple.getKeyNode());
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        throw problem("has a key that is not plain text", line);
      }
      requireValue(key.getValue(), tuple.getValueNode(), line, depth);
      ConfigNode value = convert(tuple.getValueNode(), new Origin(source, line), depth + 1);
      ConfigNode before = entries.put(key.getValue(), value);
      if (before != null) {
        throw problem(
            "%s: the key stands twice, first on line %d"
                .formatted(key.getValue(), before.origin().line()),
            line);
      }
    }
    return entries;
  }

  /** A section at the top may be empty, its keys commented out; a key in a section may not. */
  private void requireValue(String key, Node value, int line, int depth) {
    boolean section = hasLines && depth == 0;
    if (!section
        && value instanceof ScalarNode scalar
        && scalar.isPlain()
        && scalar.getValue().isEmpty()) {
      throw problem(key + ": " + NO_VALUE, line);
    }
  }

  private @Nullable Object value(ScalarNode scalar) {
    ConstructNode construct = settings.getSchema().getSchemaTagConstructors().get(scalar.getTag());
    if (construct == null) {
      return scalar.getValue();
    }
    try {
      Object value = construct.construct(scalar);
      if (value == null
          || value instanceof String
          || value instanceof Boolean
          || value instanceof Number) {
        return value;
      }
    } catch (IllegalArgumentException _) {
      // The text is not what its tag says, as in !!int x: the message below covers both.
    }
    throw problem("holds a value tagged %s".formatted(scalar.getTag()), lineOf(scalar));
  }

  private ConfigException problem(String problem, int line) {
    return new ConfigException("", problem).at(new Origin(source, line), "");
  }

  private int lineOf(Node node) {
    return node.getStartMark().map(this::lineOf).orElse(0);
  }

  private int lineOf(Mark mark) {
    return hasLines ? mark.getLine() + 1 : 0;
  }

  private static String oneLine(@Nullable String text) {
    return String.valueOf(text).lines().findFirst().orElse("").strip();
  }
}

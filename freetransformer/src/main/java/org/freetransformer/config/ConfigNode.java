package org.freetransformer.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A configuration as it was written: mappings, sequences and scalars, each with its place. YAML
 * files, command-line options and checkpoint headers all become such a tree; the checks read only
 * this.
 */
public sealed interface ConfigNode {

  /** Where it stands; for an entry of a mapping, where its key stands. */
  Origin origin();

  /** Keys and values in the order written. */
  record Mapping(Map<String, ConfigNode> entries, Origin origin) implements ConfigNode {
    /** Copies the map, in its order. */
    public Mapping {
      entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
    }

    /**
     * This mapping with one value replaced or added, as {@code --set model.num_layers=4} asks.
     *
     * @param path keys with dots between them; sections that are missing are made
     * @throws ConfigException where the path leads through a plain value, or is empty somewhere
     */
    public Mapping with(String path, ConfigNode value) {
      int dot = path.indexOf('.');
      String key = dot < 0 ? path : path.substring(0, dot);
      if (key.isBlank() || dot == path.length() - 1) {
        throw new ConfigException(path, "a key is empty; write section.key, as in model.num_layers")
            .at(value.origin(), path);
      }
      Map<String, ConfigNode> changed = new LinkedHashMap<>(entries);
      if (dot < 0) {
        changed.put(key, value);
      } else {
        ConfigNode inner = entries.get(key);
        Mapping section =
            switch (inner) {
              case null -> new Mapping(Map.of(), value.origin());
              case Mapping mapping -> mapping;
              case Scalar scalar when scalar.value() == null ->
                  new Mapping(Map.of(), scalar.origin());
              default ->
                  throw new ConfigException(key, "is a plain value and has no keys inside")
                      .at(value.origin(), path);
            };
        changed.put(key, section.with(path.substring(dot + 1), value));
      }
      return new Mapping(changed, origin);
    }
  }

  /** Items in the order written. */
  record Sequence(List<ConfigNode> items, Origin origin) implements ConfigNode {
    /** Copies the list. */
    public Sequence {
      items = List.copyOf(items);
    }
  }

  /**
   * A plain value.
   *
   * @param value a {@link String}, {@link Boolean}, any {@link Number}, or null
   */
  record Scalar(@Nullable Object value, Origin origin) implements ConfigNode {
    /**
     * Checks the type.
     *
     * @throws IllegalArgumentException if it is another one
     */
    public Scalar {
      if (value != null
          && !(value instanceof String || value instanceof Boolean || value instanceof Number)) {
        throw new IllegalArgumentException(
            "a configuration value must be text, a boolean, a number or null, not "
                + value.getClass().getName());
      }
    }
  }

  /**
   * The tree of plain Java maps, lists and values, all with one place.
   *
   * @throws IllegalArgumentException for any other Java type inside
   */
  static ConfigNode of(@Nullable Object value, Origin origin) {
    return switch (value) {
      case Map<?, ?> map -> {
        Map<String, ConfigNode> entries = new LinkedHashMap<>();
        map.forEach((key, inner) -> entries.put(String.valueOf(key), of(inner, origin)));
        yield new Mapping(entries, origin);
      }
      case List<?> list -> {
        List<ConfigNode> items = new ArrayList<>();
        list.forEach(item -> items.add(of(item, origin)));
        yield new Sequence(items, origin);
      }
      case null, default -> new Scalar(value, origin);
    };
  }
}

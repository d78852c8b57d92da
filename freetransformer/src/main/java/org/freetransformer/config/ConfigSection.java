package org.freetransformer.config;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One mapping of a configuration, read key by key. Every read names a valid key, so that {@link
 * #build}, at the end, can refuse the others and name the nearest valid one. A key that is absent,
 * or null, reads as the given default.
 *
 * <p>All reads throw {@link ConfigException} with the value's place where its type is wrong.
 */
public final class ConfigSection {

  private final String path;
  private final ConfigNode.Mapping mapping;
  private final Set<String> known = new LinkedHashSet<>();

  private ConfigSection(String path, ConfigNode.Mapping mapping) {
    this.path = path;
    this.mapping = mapping;
  }

  /**
   * The whole document.
   *
   * @throws ConfigException if it is not a mapping
   */
  public static ConfigSection root(ConfigNode document) {
    return new ConfigSection("", asMapping("", document));
  }

  /** The section under {@code key}; an empty one where it is absent. */
  public ConfigSection section(String key) {
    ConfigNode node = find(key);
    ConfigNode.Mapping inner =
        node == null
            ? new ConfigNode.Mapping(Map.of(), mapping.origin())
            : asMapping(pathOf(key), node);
    return new ConfigSection(pathOf(key), inner);
  }

  /**
   * The sections in the list under {@code key}; none where it is absent.
   *
   * @throws ConfigException if it is not a list of mappings
   */
  public List<ConfigSection> sections(String key) {
    return switch (find(key)) {
      case null -> List.of();
      case ConfigNode.Sequence(var items, Origin _) ->
          items.stream()
              .map(item -> new ConfigSection(pathOf(key), asMapping(pathOf(key), item)))
              .toList();
      case ConfigNode other -> throw wrongType(key, other, "a list");
    };
  }

  /** Whether {@code key} is there with a value other than null. */
  public boolean has(String key) {
    return find(key) != null;
  }

  /** A whole number that fits an int; {@code 1e5} counts as one. */
  public int integer(String key, int absent) {
    return (int) whole(key, absent, Integer.MIN_VALUE, Integer.MAX_VALUE);
  }

  /** A whole number that fits a long. */
  public long longInteger(String key, long absent) {
    return whole(key, absent, Long.MIN_VALUE, Long.MAX_VALUE);
  }

  /** Whole numbers that fit an int; none where the key is absent. */
  public List<Integer> integers(String key) {
    return switch (find(key)) {
      case null -> List.of();
      case ConfigNode.Sequence(var items, Origin _) ->
          items.stream()
              .map(item -> (int) whole(key, item, Integer.MIN_VALUE, Integer.MAX_VALUE))
              .toList();
      case ConfigNode other -> throw wrongType(key, other, "a list of whole numbers");
    };
  }

  private long whole(String key, long absent, long min, long max) {
    ConfigNode node = find(key);
    return node == null ? absent : whole(key, node, min, max);
  }

  private long whole(String key, ConfigNode node, long min, long max) {
    if (!(node instanceof ConfigNode.Scalar(Number number, Origin _)) || !isFinite(number)) {
      throw wrongType(key, node, "a whole number");
    }
    BigDecimal exact = new BigDecimal(number.toString());
    try {
      long value = exact.longValueExact();
      if (value >= min && value <= max) {
        return value;
      }
    } catch (ArithmeticException _) {
      // Has a fraction or needs more than 64 bits: the message below covers both.
    }
    throw fail(key, node, "%s is not a whole number from %d to %d".formatted(number, min, max));
  }

  /** A finite number. */
  public double number(String key, double absent) {
    ConfigNode node = find(key);
    if (node == null) {
      return absent;
    }
    if (node instanceof ConfigNode.Scalar(Number number, Origin _)) {
      if (!Double.isFinite(number.doubleValue())) {
        throw fail(key, node, number + " is not a finite number");
      }
      return number.doubleValue();
    }
    throw wrongType(key, node, "a number");
  }

  /** True or false. */
  public boolean flag(String key, boolean absent) {
    ConfigNode node = find(key);
    if (node == null) {
      return absent;
    }
    if (node instanceof ConfigNode.Scalar(Boolean value, Origin _)) {
      return value;
    }
    throw wrongType(key, node, "true or false");
  }

  /** Text. */
  public String text(String key, String absent) {
    ConfigNode node = find(key);
    return node == null ? absent : text(key, node, "text");
  }

  /** Texts: one, or a list of them; none where the key is absent. */
  public List<String> texts(String key) {
    return switch (find(key)) {
      case null -> List.of();
      case ConfigNode.Sequence(var items, Origin _) ->
          items.stream().map(item -> text(key, item, "a text or a list of texts")).toList();
      case ConfigNode one -> List.of(text(key, one, "a text or a list of texts"));
    };
  }

  private String text(String key, ConfigNode node, String wanted) {
    if (node instanceof ConfigNode.Scalar(String value, Origin _)) {
      return value;
    }
    throw wrongType(key, node, wanted);
  }

  /** One of an enum's constants, such as {@code full-shard}; {@code FULL_SHARD} is the same. */
  public <E extends Enum<E>> E choice(String key, Class<E> type, E absent) {
    ConfigNode node = find(key);
    if (node == null) {
      return absent;
    }
    String word = text(key, "").toLowerCase(Locale.ROOT).replace('_', '-');
    return Arrays.stream(type.getEnumConstants())
        .filter(constant -> nameOf(constant).equals(word))
        .findFirst()
        .orElseThrow(() -> notAChoice(key, node, word, namesOf(type)));
  }

  /** A switch of which this version has only one setting; {@code instead} says what is there. */
  public void onlyBuilt(String key, boolean built, String instead) {
    if (flag(key, built) != built) {
      throw notBuilt(key, String.valueOf(!built), instead);
    }
  }

  /** A key whose feature is not built: only null, an empty text or an empty mapping passes. */
  public void onlyEmpty(String key, String instead) {
    ConfigNode node = find(key);
    boolean empty =
        switch (node) {
          case null -> true;
          case ConfigNode.Mapping inner -> inner.entries().isEmpty();
          case ConfigNode.Sequence list -> list.items().isEmpty();
          case ConfigNode.Scalar(Object value, Origin _) -> "".equals(value);
        };
    if (!empty) {
      throw notBuilt(key, "this feature", instead);
    }
  }

  /** The error for a value that is known but not built in this version. */
  public ConfigException notBuilt(String key, String value, String instead) {
    return new ConfigException(key, value + " is not built in this version; " + instead)
        .at(originOf(key), pathOf(key));
  }

  /**
   * Refuses keys that nothing has asked for, then calls {@code build} and gives its errors, which
   * carry keys relative to this section, their place in the file.
   */
  public <T> T build(Supplier<T> build) {
    refuseUnknownKeys();
    try {
      return build.get();
    } catch (ConfigException problem) {
      throw problem.at(originOf(problem.key()), pathOf(problem.key()));
    }
  }

  /** Refuses keys that nothing has asked for, naming the nearest valid one. */
  public void refuseUnknownKeys() {
    for (Map.Entry<String, ConfigNode> entry : mapping.entries().entrySet()) {
      String key = entry.getKey();
      if (!known.contains(key)) {
        String hint =
            Nearest.to(key, known).map(near -> "did you mean " + pathOf(near) + "? ").orElse("");
        String where = path.isEmpty() ? "at the top" : "in " + path;
        throw fail(
            key,
            entry.getValue(),
            "unknown key; %sallowed %s are %s".formatted(hint, where, String.join(", ", known)));
      }
    }
  }

  /** The lower-case name of an enum constant, as {@link #choice} reads it. */
  public static String nameOf(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static List<String> namesOf(Class<? extends Enum<?>> type) {
    return Arrays.stream(type.getEnumConstants()).map(ConfigSection::nameOf).toList();
  }

  private @Nullable ConfigNode find(String key) {
    known.add(key);
    ConfigNode node = mapping.entries().get(key);
    return node instanceof ConfigNode.Scalar scalar && scalar.value() == null ? null : node;
  }

  /** The place of a key, possibly nested; of the nearest section around it where it is absent. */
  private Origin originOf(String dottedKey) {
    ConfigNode.Mapping at = mapping;
    Origin origin = mapping.origin();
    for (String key : dottedKey.split("\\.", -1)) {
      ConfigNode node = at.entries().get(key);
      if (node == null) {
        return origin;
      }
      origin = node.origin();
      if (!(node instanceof ConfigNode.Mapping inner)) {
        return origin;
      }
      at = inner;
    }
    return origin;
  }

  private String pathOf(String key) {
    if (path.isEmpty() || key.isEmpty()) {
      return path + key;
    }
    return path + "." + key;
  }

  private ConfigException fail(String key, ConfigNode node, String problem) {
    return new ConfigException(key, problem).at(node.origin(), pathOf(key));
  }

  private ConfigException wrongType(String key, ConfigNode node, String wanted) {
    return fail(key, node, "must be " + wanted + ", not " + describe(node));
  }

  private ConfigException notAChoice(String key, ConfigNode node, String word, List<String> valid) {
    String hint = Nearest.to(word, valid).map(near -> "; nearest is " + near).orElse("");
    return fail(
        key,
        node,
        "'%s' is unknown; allowed are %s%s"
            .formatted(Nearest.shown(word), String.join(", ", valid), hint));
  }

  private static ConfigNode.Mapping asMapping(String path, ConfigNode node) {
    if (node instanceof ConfigNode.Mapping inner) {
      return inner;
    }
    throw new ConfigException(path, "must be a mapping of keys to values, not " + describe(node))
        .at(node.origin(), path);
  }

  private static String describe(ConfigNode node) {
    return switch (node) {
      case ConfigNode.Mapping(var entries, Origin _) ->
          entries.keySet().stream().limit(3).collect(Collectors.joining(", ", "a mapping of ", ""));
      case ConfigNode.Sequence(var items, Origin _) -> "a list of " + items.size();
      case ConfigNode.Scalar(String text, Origin _) -> "the text '" + text + "'";
      case ConfigNode.Scalar(Object value, Origin _) ->
          Optional.ofNullable(value).map(Object::toString).orElse("nothing");
    };
  }

  private static boolean isFinite(Number number) {
    return Double.isFinite(number.doubleValue());
  }
}

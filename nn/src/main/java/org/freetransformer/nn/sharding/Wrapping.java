package org.freetransformer.nn.sharding;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.freetransformer.nn.BinaryMapper;
import org.freetransformer.nn.Embedding;
import org.freetransformer.nn.LlamaBlock;
import org.freetransformer.nn.Module;
import org.freetransformer.nn.Parameter;

/**
 * Which modules make a unit of their own. A unit takes all parameters in its module but those of
 * units further down; what is in none is the root's unit.
 */
@FunctionalInterface
public interface Wrapping {
  /** A unit for each block, for each embedding, and for the plan's table. */
  Wrapping BY_BLOCK = byType(List.of(LlamaBlock.class, Embedding.class, BinaryMapper.class));

  /**
   * Whether a module is a unit.
   *
   * @param left number of its parameters' elements that are in no unit yet
   */
  boolean isUnit(Module module, long left);

  /** A unit for each module of these types. */
  static Wrapping byType(List<Class<? extends Module>> types) {
    List<Class<? extends Module>> copy = List.copyOf(types);
    return (module, left) -> left > 0 && copy.stream().anyMatch(type -> type.isInstance(module));
  }

  /** A unit wherever at least {@code least} elements have come together, from the inside out. */
  static Wrapping bySize(long least) {
    return (module, left) -> left >= least;
  }

  /**
   * The units of a model: parameters by full name, under the unit's name; frozen parameters, which
   * need no gradients, in units apart.
   */
  default SequencedMap<String, SequencedMap<String, Parameter>> unitsOf(Module model) {
    SequencedMap<String, SequencedMap<String, Parameter>> units = new LinkedHashMap<>();
    SequencedMap<String, Parameter> rest = collect("", model, units);
    add("root", rest, units);
    return units;
  }

  private SequencedMap<String, Parameter> collect(
      String path, Module module, SequencedMap<String, SequencedMap<String, Parameter>> units) {
    SequencedMap<String, Parameter> left = new LinkedHashMap<>();
    module.ownParameters().forEach((name, parameter) -> left.put(path + name, parameter));
    for (Map.Entry<String, Module> child : module.children().entrySet()) {
      String inner = child.getKey().isEmpty() ? path : path + child.getKey() + ".";
      left.putAll(collect(inner, child.getValue(), units));
    }
    long size = left.values().stream().mapToLong(Parameter::size).sum();
    if (path.isEmpty() || !isUnit(module, size)) {
      return left;
    }
    add(path.substring(0, path.length() - 1), left, units);
    return new LinkedHashMap<>();
  }

  private static void add(
      String name,
      SequencedMap<String, Parameter> parameters,
      SequencedMap<String, SequencedMap<String, Parameter>> units) {
    for (boolean trained : new boolean[] {true, false}) {
      SequencedMap<String, Parameter> same = new LinkedHashMap<>();
      parameters.forEach((key, parameter) -> {
        if (parameter.isTrained() == trained) {
          same.put(key, parameter);
        }
      });
      if (!same.isEmpty()) {
        units.put(trained ? name : name + " (frozen)", same);
      }
    }
  }
}

package org.freetransformer.nn;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A part of a model: parameters and smaller modules, each under the name that it has in a
 * checkpoint. A module owns its parameters and frees them when it is closed.
 */
public abstract class Module implements AutoCloseable {
  private final SequencedMap<String, Parameter> own = new LinkedHashMap<>();
  private final SequencedMap<String, Module> children = new LinkedHashMap<>();
  private boolean training;

  /** A module without parts, in evaluation mode. */
  protected Module() {}

  /** Takes in a smaller module; under an empty name its parts are named as this module's own. */
  protected final <M extends Module> M child(String name, M module) {
    requireNew(name);
    children.put(name, module);
    return module;
  }

  /** Takes in a parameter under a name. */
  protected final Parameter parameter(String name, Parameter parameter) {
    requireNew(name);
    own.put(name, parameter);
    return parameter;
  }

  private void requireNew(String name) {
    if (own.containsKey(name) || children.containsKey(name)) {
      throw new IllegalArgumentException(
          "this module has a part named '%s' already".formatted(name));
    }
  }

  /**
   * All parameters by full name, such as {@code blocks.0.wq.weight}, in the order of the data flow.
   */
  public final SequencedMap<String, Parameter> parameters() {
    SequencedMap<String, Parameter> all = new LinkedHashMap<>(own);
    for (Map.Entry<String, Module> child : children.entrySet()) {
      child
          .getValue()
          .parameters()
          .forEach((name, parameter) -> {
            String full = joined(child.getKey(), name);
            if (all.putIfAbsent(full, parameter) != null) {
              throw new IllegalStateException("two parameters are named '%s'".formatted(full));
            }
          });
    }
    return all;
  }

  /** The smaller modules of this one alone, by name. */
  public final SequencedMap<String, Module> children() {
    return Collections.unmodifiableSequencedMap(children);
  }

  /** The parameters of this module alone, by name. */
  public final SequencedMap<String, Parameter> ownParameters() {
    return Collections.unmodifiableSequencedMap(own);
  }

  private static String joined(String module, String name) {
    return module.isEmpty() ? name : module + "." + name;
  }

  /** Number of trained numbers. */
  public final long parameterCount() {
    return parameters().values().stream().mapToLong(Parameter::size).sum();
  }

  /** Switches dropout on (training) or off (evaluation), here and in all smaller modules. */
  public final void train(boolean on) {
    training = on;
    children.values().forEach(module -> module.train(on));
  }

  /** Whether dropout is on. */
  public final boolean isTraining() {
    return training;
  }

  /** Frees all parameters and what else the module holds. */
  @Override
  public void close() {
    own.values().forEach(Parameter::close);
    children.values().forEach(Module::close);
  }
}

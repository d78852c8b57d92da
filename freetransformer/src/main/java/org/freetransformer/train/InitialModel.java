package org.freetransformer.train;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.TensorStore;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Origin;
import org.freetransformer.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * The saved model that a run starts from. The run's model has its shape: what a configuration does
 * not say is the saved model's, and what it says must not contradict.
 */
public final class InitialModel {
  private static final String SECTION = "model";

  /** Keys of which no weight's shape or meaning depends: a run may choose them anew. */
  private static final Set<String> FREE =
      Set.of("dropout", "attention_dropout", "max_seq_len", "latent.gradient");

  private static final String KIND = "kind";

  private static final String UPCYCLE =
      "ft checkpoint upcycle makes a Free Transformer of a baseline";

  private final TensorStore weights;
  private final ModelConfig config;

  /**
   * A saved model.
   *
   * @throws CheckpointException if it does not say its shape
   */
  public InitialModel(TensorStore weights) {
    this.weights = weights;
    this.config = ModelFile.config(weights);
  }

  /**
   * A configuration whose section {@code model} is filled up, or made if there is none.
   *
   * @throws ConfigException naming the first key that contradicts the saved model
   */
  public ConfigNode.Mapping complete(ConfigNode.Mapping document) {
    ConfigNode said = document.entries().get(SECTION);
    if (isBaseline() && said instanceof ConfigNode.Mapping section) {
      refuseUnclearKind(section);
    }
    ConfigNode kept = ConfigNode.of(config.toMap(), Origin.of(weights.source()));
    return document.with(SECTION, merged("", said, kept));
  }

  private boolean isBaseline() {
    return config.kind() == ModelConfig.Kind.BASELINE;
  }

  /** Who speaks of plans and of no kind may take the baseline for a Free Transformer. */
  private void refuseUnclearKind(ConfigNode.Mapping section) {
    if (section.entries().containsKey(KIND)) {
      return;
    }
    for (String key : ModelConfig.PLAN_KEYS) {
      ConfigNode said = section.entries().get(key);
      if (said != null) {
        String path = SECTION + "." + key;
        throw new ConfigException(
                path,
                "is for plans, but the run starts from %s, a baseline; %s; model.kind: baseline trains it as it is"
                    .formatted(weights.source(), UPCYCLE))
            .at(said.origin(), path);
      }
    }
  }

  /** What was said where something was, and otherwise what the saved model has. */
  private ConfigNode merged(String key, @Nullable ConfigNode said, ConfigNode kept) {
    if (said == null || (said instanceof ConfigNode.Scalar scalar && scalar.value() == null)) {
      return kept;
    }
    if (said instanceof ConfigNode.Mapping own && kept instanceof ConfigNode.Mapping theirs) {
      Map<String, ConfigNode> all = new LinkedHashMap<>(own.entries());
      theirs
          .entries()
          .forEach((name, value) -> {
            String inner = key.isEmpty() ? name : key + "." + name;
            all.put(name, merged(inner, own.entries().get(name), value));
          });
      return new ConfigNode.Mapping(all, own.origin());
    }
    if (matters(key) && contradicts(said, kept)) {
      throw contradiction(key, said, kept);
    }
    return said;
  }

  private boolean matters(String key) {
    String top = key.split("\\.", 2)[0];
    return !FREE.contains(key) && !(isBaseline() && ModelConfig.PLAN_KEYS.contains(top));
  }

  /** Only values of one kind do: others are refused by whoever reads them. */
  private static boolean contradicts(ConfigNode said, ConfigNode kept) {
    return switch (said) {
      case ConfigNode.Scalar(Number one, Origin _) ->
          kept instanceof ConfigNode.Scalar(Number other, Origin _)
              && one.doubleValue() != other.doubleValue();
      case ConfigNode.Scalar(Boolean one, Origin _) ->
          kept instanceof ConfigNode.Scalar(Boolean other, Origin _) && !one.equals(other);
      case ConfigNode.Scalar(String one, Origin _) ->
          kept instanceof ConfigNode.Scalar(String other, Origin _)
              && !one.toLowerCase(Locale.ROOT).replace('_', '-').equals(other);
      default -> false;
    };
  }

  private ConfigException contradiction(String key, ConfigNode said, ConfigNode kept) {
    String remedy =
        key.equals(KIND) && isBaseline()
            ? UPCYCLE
            : "leave the key out, and it is %s".formatted(value(kept));
    String path = SECTION + "." + key;
    return new ConfigException(
            path,
            "is %s, but the run starts from %s, whose %s is %s; %s"
                .formatted(value(said), weights.source(), key, value(kept), remedy))
        .at(said.origin(), path);
  }

  private static String value(ConfigNode node) {
    return node instanceof ConfigNode.Scalar scalar ? String.valueOf(scalar.value()) : "other";
  }

  /**
   * Checks that a run's model has the saved model's shape.
   *
   * @throws CheckpointException naming the first key in which they differ
   */
  void requireShapeOf(ModelConfig here) {
    Map<String, Object> found = DottedKeys.of(config.toMap());
    DottedKeys.of(here.toMap())
        .forEach((key, value) -> {
          if (matters(key) && !value.equals(found.get(key))) {
            throw new CheckpointException(
                weights.source(),
                "has another shape: its %s is %s, the configuration's model.%s is %s"
                    .formatted(key, found.get(key), key, value));
          }
        });
  }
}

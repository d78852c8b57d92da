package org.freetransformer.compare;

import org.freetransformer.config.ConfigException;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.train.RunConfig;

/** The models that are compared. */
public enum Contender {
  /** The model of the configuration. */
  FREE("Free Transformer", "free"),
  /** The same stack without a plan. */
  BASELINE("baseline", "baseline"),
  /** The same with one more block, as the encoder is one: about as many parameters. */
  DEEPER("baseline + 1 layer", "baseline-plus-1-layer");

  private final String label;
  private final String folder;

  Contender(String label, String folder) {
    this.label = label;
    this.folder = folder;
  }

  /** Its name in tables. */
  public String label() {
    return label;
  }

  /** Its name in paths. */
  public String folder() {
    return folder;
  }

  /**
   * Its configuration.
   *
   * @param free of a Free Transformer, from which only the model and the seed differ
   * @throws ConfigException if {@code free} is of a model without a plan
   */
  RunConfig config(RunConfig free, long seed) {
    if (free.model().kind() != ModelConfig.Kind.FREE) {
      throw new ConfigException(
          "model.kind", "is baseline; a comparison starts from a model with a plan: kind free");
    }
    ModelConfig model =
        switch (this) {
          case FREE -> free.model();
          case BASELINE -> free.model().toBuilder().kind(ModelConfig.Kind.BASELINE).build();
          case DEEPER ->
              free.model().toBuilder()
                  .kind(ModelConfig.Kind.BASELINE)
                  .numLayers(free.model().numLayers() + 1)
                  .build();
        };
    return new RunConfig(model, free.training().toBuilder().seed(seed).build(), free.data());
  }
}

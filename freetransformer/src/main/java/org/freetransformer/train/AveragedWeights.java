package org.freetransformer.train;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.freetransformer.checkpoint.PartState;
import org.freetransformer.checkpoint.StatefulPart;
import org.freetransformer.checkpoint.TensorSource;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.optim.WeightAverage;

/**
 * The running average of a run's weights. It is what the run evaluates, and what a checkpoint holds
 * as its model, so that whoever opens one gets the average; the weights that training goes on with
 * are this part's state there.
 */
final class AveragedWeights implements StatefulPart {
  private final LanguageModel model;
  private final WeightAverage average;

  AveragedWeights(LanguageModel model, WeightAverage average) {
    this.model = model;
    this.average = average;
  }

  /** Does something while the model has the averaged weights. */
  <T> T during(Supplier<T> work) {
    average.swap();
    try {
      return work.get();
    } finally {
      average.swap();
    }
  }

  @Override
  public String name() {
    return "trained_weights";
  }

  @Override
  public Map<String, Object> numbers() {
    return Map.of();
  }

  /** The trained weights: a checkpoint is written {@link #during} the exchange. */
  @Override
  public List<TensorSource> tensors() {
    return model.parameters().entrySet().stream()
        .map(entry ->
            TensorSource.of(entry.getKey(), entry.getValue().stored(average.of(entry.getKey()))))
        .toList();
  }

  /** Takes the trained weights; {@link #exchange} follows, once the model has the averaged ones. */
  @Override
  public void restore(PartState saved) {
    model
        .parameters()
        .forEach((name, parameter) -> saved.tensor(name, parameter.stored(average.of(name))));
  }

  /** Gives the model the trained weights of a checkpoint that was read. */
  void exchange() {
    average.swap();
  }
}

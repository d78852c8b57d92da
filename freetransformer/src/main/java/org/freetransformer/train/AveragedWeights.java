package org.freetransformer.train;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.freetransformer.checkpoint.PartState;
import org.freetransformer.checkpoint.StatefulPart;
import org.freetransformer.checkpoint.TensorSource;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.optim.WeightAverage;
import org.freetransformer.tensor.Tensor;

/**
 * The running average of a run's weights. It is what the run evaluates, and what a checkpoint holds
 * as its model, so that whoever opens one gets the average; the weights that training goes on with
 * are this part's state there.
 */
final class AveragedWeights implements StatefulPart {
  /** Names it in a checkpoint. */
  static final String NAME = "trained_weights";

  private final Replica replica;
  private final WeightAverage average;

  AveragedWeights(Replica replica, WeightAverage average) {
    this.replica = replica;
    this.average = average;
  }

  /** Lets the average begin again at the weights as they are. */
  void restart() {
    average.restart();
  }

  /** The average of a parameter, or of this rank's part of it. */
  Tensor of(String name) {
    return average.of(name);
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
    return NAME;
  }

  @Override
  public Map<String, Object> numbers() {
    return Map.of();
  }

  /**
   * The trained weights, without those that are frozen: a checkpoint is written {@link #during} the
   * exchange. Of a model that is spread over ranks these are names and shapes; each rank writes
   * what it has of them itself.
   */
  @Override
  public List<TensorSource> tensors() {
    return Parameter.trained(replica.model().parameters()).entrySet().stream()
        .map(entry ->
            TensorSource.of(
                entry.getKey(),
                entry
                    .getValue()
                    .stored(
                        replica.shards() == null
                            ? average.of(entry.getKey())
                            : entry.getValue().value())))
        .toList();
  }

  /**
   * Takes the trained weights, unless each rank reads its own; {@link #exchange} follows, once the
   * model has the averaged ones.
   */
  @Override
  public void restore(PartState saved) {
    if (replica.shards() == null) {
      Parameter.trained(replica.model().parameters())
          .forEach((name, parameter) -> saved.tensor(name, parameter.stored(average.of(name))));
    }
  }

  /** Gives the model the trained weights of a checkpoint that was read. */
  void exchange() {
    average.swap();
  }
}

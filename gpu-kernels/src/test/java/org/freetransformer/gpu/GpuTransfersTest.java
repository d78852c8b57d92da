package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.data.Dataset;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.Trainer;
import org.junit.jupiter.api.Test;

/**
 * What a training step moves between host and device: a batch in, while the step before runs, and
 * numbers for people out.
 */
class GpuTransfersTest {
  private static final int LOG_EVERY = 2;

  /** Learning rates, the weights of the loss's terms, the state of the random numbers. */
  private static final int MOST_SETTINGS = 32;

  /** Loss, reconstruction, divergence in all and by bit, norm of the gradient. */
  private static final int MOST_RESULTS = 16;

  @Test
  void parametersMomentsAndActivationsStayOnTheDevice() {
    RunConfig config = GpuTrainingTest.config(training -> training.logEvery(LOG_EVERY));
    TornadoVmDevice device = TornadoVm.open();
    try (Engine engine = Engine.on(device);
        Trainer trainer = new Trainer(engine, config, Dataset.open(config.data(), _ -> {}))) {
      int parameters = trainer.model().parameters().size();
      long smallest =
          trainer.model().parameters().values().stream()
              .filter(parameter -> parameter.value().shape().rank() > 1)
              .mapToLong(Parameter::size)
              .min()
              .orElseThrow();
      int batch =
          3
              * config.training().batchSize()
              * config.data().sequenceLength(); // Tokens, targets, what counts.
      List<Traffic> steps = new ArrayList<>();
      for (int i = 0; i < 2 * LOG_EVERY; i++) {
        Traffic before = device.traffic();
        trainer.next();
        steps.add(device.traffic().since(before));
      }
      assertThat(steps.getFirst().plans()).as("plans made for the first step").isOne();
      for (int i = LOG_EVERY; i < steps.size(); i++) {
        Traffic step = steps.get(i);
        assertThat(step.plans()).as("plans made in a later step").isZero();
        assertThat(step.wordsAhead()).as("a batch's words in step %d", i + 1).isEqualTo(batch);
        assertThat(step.wordsToDevice())
            .as("words that step %d waits for", i + 1)
            .isBetween(1L, (long) MOST_SETTINGS);
      }
      long results = steps.get(LOG_EVERY).wordsToHost();
      assertThat(results).as("words to the host").isBetween(1L, (long) MOST_RESULTS);
      assertThat(steps.getLast().wordsToHost())
          .as("words to the host in a logged step: two more for each parameter")
          .isEqualTo(results + 2L * parameters);
      assertThat(smallest).as("so that no matrix can be among them").isGreaterThan(MOST_SETTINGS);
    }
  }
}

package org.freetransformer.bench.suite;

import java.util.List;
import org.freetransformer.data.Batch;
import org.freetransformer.model.Baseline;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.TrainingConfig;
import org.freetransformer.train.TrainingStep;

/** The trainer's own step on a case's model and batch. */
final class OurStep implements AutoCloseable {
  private final Engine engine;
  private final Baseline model;
  private final AdamW optimizer;
  private final TrainingStep step;
  private final List<Batch> batches;
  private long number;

  OurStep(StepCase shape, Engine engine) {
    this.engine = engine;
    model = new Baseline(engine, shape.config());
    optimizer = new AdamW(engine, model.parameters(), new AdamW.Config(0.9, 0.95, 1e-8, 0.1));
    TrainingConfig training = TrainingConfig.builder().batchSize(shape.batch()).gradClip(1).build();
    step = new TrainingStep(model, optimizer, training, shape.length());
    batches = List.of(new Batch(shape.inputs(), shape.targets(), shape.batch(), shape.length()));
  }

  Engine engine() {
    return engine;
  }

  Baseline model() {
    return model;
  }

  void run() {
    number++;
    step.run(number, StepSuite.LEARNING_RATE, batches, 0);
  }

  @Override
  public void close() {
    step.close();
    optimizer.close();
    model.parameters().values().forEach(Parameter::close);
    engine.close();
  }
}

package org.freetransformer.bench.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.bench.libtorch.TorchLlama;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.bench.libtorch.TorchTrainingStep;
import org.freetransformer.data.Batch;
import org.freetransformer.model.Baseline;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.train.TrainingConfig;
import org.freetransformer.train.TrainingStep;
import org.junit.jupiter.api.Test;

/**
 * A model trained on real text by this project and by libtorch, from the same weights on the same
 * batches, has the same loss at every step.
 */
class LossCurveTest {
  private static final int STEPS = 300;
  private static final double RATE = 1e-3;

  // Ten times what was seen, a hundredth of what was asked for.
  private static final Offset<Double> NEARLY = Offset.offset(1e-5);

  private static final int WARMUP = 30;
  private static final int BATCH = 8;
  private static final int LENGTH = 64;
  private static final Path TEXT = Path.of("../data/tinyshakespeare.txt");

  private static final ModelConfig MODEL =
      ModelConfig.builder()
          .kind(ModelConfig.Kind.BASELINE)
          .vocabSize(128)
          .hiddenDim(64)
          .numLayers(2)
          .numHeads(4)
          .numKvHeads(2)
          .ffnHiddenDim(176)
          .maxSeqLen(LENGTH)
          .tieEmbeddings(true)
          .build();

  private final SplittableRandom random = new SplittableRandom(11);

  private Batch batch(byte[] text) {
    int[] tokens = new int[BATCH * LENGTH];
    int[] targets = new int[BATCH * LENGTH];
    for (int row = 0; row < BATCH; row++) {
      int start = random.nextInt(text.length - LENGTH);
      for (int t = 0; t < LENGTH; t++) {
        tokens[row * LENGTH + t] = text[start + t];
        targets[row * LENGTH + t] = text[start + t + 1];
      }
    }
    return new Batch(tokens, targets, BATCH, LENGTH);
  }

  @Test
  void isThatOfLibtorchAtEveryStep() throws IOException {
    String why = Libtorch.whyMissing().orElse("");
    assumeTrue(why.isEmpty(), "nothing was compared: " + why);
    byte[] text = Files.readAllBytes(TEXT);
    Libtorch.setThreads(1);
    try (Engine engine = Engine.on(Devices.cpu(2));
        Baseline model = new Baseline(engine, MODEL);
        AdamW optimizer =
            new AdamW(engine, model.parameters(), new AdamW.Config(0.9, 0.95, 1e-8, 0.1));
        TrainingStep ours =
            new TrainingStep(
                model,
                optimizer,
                TrainingConfig.builder().batchSize(BATCH).gradClip(1).build(),
                LENGTH);
        NDManager manager = Libtorch.newManager()) {
      TorchLlama.Config config = new TorchLlama.Config(2, 4, 2, 16, MODEL.normEps(), LENGTH);
      TorchTrainingStep theirs =
          new TorchTrainingStep(manager, TorchLlama.copyOf(manager, config, model.parameters()));
      double loss = Double.NaN;
      for (int step = 1; step <= STEPS; step++) {
        double rate = RATE * Math.min(1, (double) step / WARMUP);
        Batch batch = batch(text);
        loss = ours.run(step, rate, List.of(batch), 0).loss();
        double expected = libtorch(theirs, manager, batch, rate);
        assertThat(loss).as("loss at step %d", step).isCloseTo(expected, NEARLY);
      }
      assertThat(loss).as("the model learns").isLessThan(2.6);
    }
  }

  private static double libtorch(
      TorchTrainingStep step, NDManager manager, Batch batch, double rate) {
    try (NDManager here = manager.newSubManager()) {
      return step.run(
              TorchOps.indices(here, batch.tokens(), BATCH, LENGTH),
              TorchOps.indices(here, batch.targets(), BATCH * LENGTH),
              rate)
          .getFloat();
    }
  }
}

package examples;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.generate.Generator;
import org.freetransformer.generate.PlanControl;
import org.freetransformer.generate.Sampling;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.StepMetrics;
import org.freetransformer.train.Trainer;
import org.freetransformer.train.TrainingConfig;
import org.freetransformer.train.TrainingListener;

/**
 * Trains a tiny Free Transformer on the paper's synthetic task, saves it, and writes two samples to
 * one plan. In a few seconds it learns which letters there are, not more: {@code ./ft demo} trains
 * long enough for plans to mean something.
 *
 * <pre>{@code mvn -q compile exec:exec -Dexample=TrainAndGenerate -Dfolder=target/run}</pre>
 *
 * <p>The checkpoint is written to {@code FOLDER/checkpoints}, where {@link PlanService} finds it.
 */
public final class TrainAndGenerate {
  private static final int STEPS = 20;

  private TrainAndGenerate() {}

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    ModelConfig model =
        ModelConfig.builder()
            .vocabSize(29)
            .hiddenDim(64)
            .numLayers(4)
            .numHeads(4)
            .ffnHiddenDim(168)
            .maxSeqLen(66)
            .latentDim(8)
            .build();
    TrainingConfig training =
        TrainingConfig.builder()
            .batchSize(8)
            .maxSteps(STEPS)
            .warmupSteps(5)
            .learningRate(3e-3)
            .build();
    RunConfig config = new RunConfig(model, training, DataConfig.planLetters(1));

    // The engine owns the memory, the trainer the model: both give it back at the end.
    try (Engine engine = Engine.on(Devices.cpu(2));
        Trainer trainer = new Trainer(engine, config, Dataset.open(config.data(), note -> {}))) {
      trainer.run(
          new CheckpointFolder(folder.resolve("checkpoints")), new LossPrinter(), () -> false);

      Tokenizer letters = Tokenizer.of(config.data());
      int[] prompt = letters.encode("K>");
      Generator.Request request =
          new Generator.Request(
              List.of(prompt, prompt),
              64,
              Sampling.plain(1),
              PlanControl.prior(2).withShared(true),
              Set.of());
      for (Generator.Sample sample : new Generator(trainer.model()).generate(request)) {
        int[] tokens = sample.tokens().stream().mapToInt(Integer::intValue).toArray();
        System.out.println("K>" + letters.decode(tokens));
      }
    }
  }

  /** Prints the loss of every tenth step. */
  private static final class LossPrinter implements TrainingListener {
    @Override
    public void onStep(StepMetrics metrics) {
      if (metrics.step() % 10 == 0) {
        System.out.printf("step %d loss %.3f%n", metrics.step(), metrics.loss());
      }
    }
  }
}

package org.freetransformer.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.freetransformer.data.DataConfig;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.run.RunWatcher;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.StepMetrics;
import org.freetransformer.train.TrainingConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComparisonTest {
  private static final int STEPS = 2;

  @TempDir private Path folder;

  private static RunConfig config() {
    ModelConfig model =
        ModelConfig.builder()
            .vocabSize(29)
            .hiddenDim(8)
            .numLayers(2)
            .numHeads(2)
            .ffnHiddenDim(16)
            .maxSeqLen(66)
            .latentDim(3)
            .build();
    TrainingConfig training =
        TrainingConfig.builder()
            .batchSize(2)
            .maxSteps(STEPS)
            .warmupSteps(1)
            .logEvery(1)
            .seed(5)
            .build();
    return new RunConfig(model, training, DataConfig.planLetters(1));
  }

  private static Comparison comparison(Path folder) {
    return new Comparison(
        () -> Engine.on(Devices.cpu(1)),
        folder,
        config(),
        1,
        new EvaluationSettings(8, 2),
        _ -> {});
  }

  /** Counts what is really computed. */
  private static final class Counting implements Comparison.Display {
    private final List<String> steps = new ArrayList<>();
    private final List<String> evaluated = new ArrayList<>();

    @Override
    public RunWatcher training(String task, RunConfig config) {
      return new RunWatcher() {
        @Override
        public void onStep(StepMetrics step) {
          steps.add(task + " " + step.step());
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public Comparison.Meter evaluation(String task, ModelConfig.Kind kind, long examples) {
      evaluated.add(task);
      return new Comparison.Meter() {
        @Override
        public void at(long done) {}

        @Override
        public void close() {}
      };
    }

    @Override
    public void alreadyDone(String task) {}
  }

  private static List<Object> peaks(ComparisonResult result) {
    Object models = Objects.requireNonNull(result.toMap(Map.of(), Map.of()).get("models"));
    return ((List<?>) models)
        .stream().<Object>map(model -> ((Map<?, ?>) model).get("peak_bytes")).toList();
  }

  private static BooleanSupplier after(int questions) {
    AtomicInteger asked = new AtomicInteger();
    return () -> asked.incrementAndGet() > questions;
  }

  /** However often it is stopped, each step is done once and the numbers are the same. */
  @Test
  void stoppedAnywhereItGoesOnAndEndsWithTheSameNumbers() throws IOException {
    Counting whole = new Counting();
    ComparisonResult expected =
        comparison(folder.resolve("whole")).run("{}", whole, () -> false).orElseThrow();
    assertThat(whole.steps).hasSize(3 * STEPS);

    Counting broken = new Counting();
    Path out = folder.resolve("broken");
    int stops = 0;
    var result = comparison(out).run("{}", broken, after(1));
    while (result.isEmpty()) {
      stops++;
      result = comparison(out).run("{}", broken, after(3));
    }
    assertThat(stops).isGreaterThan(2);
    assertThat(broken.steps).containsExactlyElementsOf(whole.steps);
    assertThat(result.get().findings()).isEqualTo(expected.findings());
    assertThat(peaks(result.get())).as("what each run took at most").isEqualTo(peaks(expected));

    Counting again = new Counting();
    assertThat(comparison(out).run("{}", again, () -> false)).isPresent();
    assertThat(again.steps).isEmpty();
    assertThat(again.evaluated).isEmpty();

    Path run = out.resolve("free/seed-5");
    Files.writeString(run.resolve("result.json"), "{\"seed\":5,");
    Files.writeString(run.resolve("peak-bytes"), "");
    ComparisonResult repaired = comparison(out).run("{}", again, () -> false).orElseThrow();
    assertThat(again.steps).isEmpty();
    assertThat(again.evaluated).as("what was damaged").hasSize(1);
    assertThat(repaired.findings()).isEqualTo(expected.findings());
  }
}

package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.freetransformer.compare.Comparison;
import org.freetransformer.compare.ComparisonResult;
import org.freetransformer.compare.EvaluationSettings;
import org.freetransformer.config.Limits;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.run.FolderLock;
import org.freetransformer.run.Json;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.RunWatcher;
import org.freetransformer.train.RunConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code ft compare}: the Free Transformer beside its baselines. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description = {
      "Trains a Free Transformer, its baseline, and the baseline with one more layer on the same",
      "data for as many steps, with several seeds each, and compares their likelihoods of held-out",
      "text. Ctrl-C saves; the same command goes on, and does not do again what is finished."
    })
final class CompareCommand implements Callable<Integer> {
  @ParentCommand private Main main;
  @Spec private CommandSpec spec;
  @Mixin private Output output;
  @Mixin private ConfigOptions config;
  @Mixin private DeviceOptions device;
  @Mixin private EvaluationOptions evaluation;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "Folder for the runs, results.json, results.md and the pictures.")
  private Path out;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description =
          "Seeds for each model, 1 to "
              + StudyFolder.MOST_SEEDS
              + ", from training.seed on (default: ${DEFAULT-VALUE}).")
  private int seeds = 3;

  @Override
  public Integer call() throws IOException {
    Limits.between("--seeds", seeds, 1, StudyFolder.MOST_SEEDS);
    EvaluationSettings settings = evaluation.settings();
    RunConfig run = config.read(output);
    StudyFolder.requireOwn(out, spec.name());
    Comparison comparison = new Comparison(device::open, out, run, seeds, settings, output::warn);
    try (FolderLock _ = FolderLock.take(out, output::warn)) {
      Map<String, Object> environment = Version.environment(spec, device);
      BooleanSupplier stop =
          main.interruption()
              .listen(() ->
                  output.note(
                      "ft compare: stopping after this step, to save the state; Ctrl-C again stops"
                          + " at once"));
      Optional<ComparisonResult> result =
          comparison.run(Json.write(environment) + "\n", new Shown(), stop);
      if (result.isPresent()) {
        conclude(result.get(), run, environment);
      } else {
        output.warn("stopped; the same command goes on with what lies in " + out);
      }
    }
    return 0;
  }

  private void conclude(ComparisonResult result, RunConfig run, Map<String, Object> environment)
      throws IOException {
    Map<String, @Nullable Object> object = result.toMap(run.toMap(), environment);
    OutputFiles.write(out.resolve(StudyFolder.RESULTS), Json.write(object) + "\n");
    result.write(out, output::warn);
    Map<String, @Nullable Object> shown = new LinkedHashMap<>(object);
    shown.put("folder", out.toString());
    output.result(
        shown,
        "%s%n%s%n%nresults: %s%n"
            .formatted(
                result.table(),
                String.join("\n", result.findings()),
                out.resolve(StudyFolder.RESULTS)));
  }

  private final class Shown implements Comparison.Display {
    @Override
    public RunWatcher training(String task, RunConfig trained) {
      return new TrainingDisplay(output, task, trained);
    }

    @Override
    public Comparison.Meter evaluation(String task, ModelConfig.Kind kind, long total) {
      String plans = EvaluationText.plansEach(kind, evaluation.settings().samples());
      Progress progress = output.progress(task + ", held out", 0, total, "examples");
      return new Comparison.Meter() {
        @Override
        public void at(long done) {
          if (done > 0) { // The first batch compiles the kernels: nothing is known before.
            progress.at(done, plans);
          }
        }

        @Override
        public void close() {
          progress.close();
        }
      };
    }

    @Override
    public void alreadyDone(String task) {
      output.note(task + ": finished before");
    }
  }
}

package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.freetransformer.config.ConfigException;
import org.freetransformer.demo.DemoConfigs;
import org.freetransformer.demo.DemoFiles;
import org.freetransformer.demo.Findings;
import org.freetransformer.demo.PlanLettersDemo;
import org.freetransformer.demo.Regime;
import org.freetransformer.demo.RegimeResult;
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

/** {@code ft demo}: trains on plan-letters, and shows what plans mean. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Trains a baseline and Free Transformers with four allowances of free bits on the paper's",
      "synthetic task, and shows what a plan then means. Takes ten to twenty minutes on two cores.",
      "Ctrl-C saves; the same command with its folder as --out goes on."
    })
final class DemoCommand implements Callable<Integer> {
  private static final List<Regime> ALL =
      List.of(Regime.BASELINE, Regime.TINY, Regime.SMALL, Regime.LARGE, Regime.HUGE);
  private static final int MOST_FOLDERS = 10_000;

  @ParentCommand private Main main;
  @Spec private CommandSpec spec;
  @Mixin private Output output;
  @Mixin private DeviceOptions device;

  @Option(names = "--quick", description = "One small model, in under a minute.")
  private boolean quick;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder for runs, pictures and results (default: a new one in runs).")
  private @Nullable Path out;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Also writes the results as a Markdown document, with its pictures beside it.")
  private @Nullable Path report;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes one value of every model's configuration. May be repeated.")
  private List<String> changes = new ArrayList<>();

  @Option(names = "--seed", paramLabel = "N", description = "Seed of weights, plans and samples.")
  private @Nullable Long seed;

  @Override
  public Integer call() throws IOException {
    if (seed != null) {
      changes.add("training.seed=" + seed);
    }
    DemoConfigs configs = new DemoConfigs(changes, output::note);
    List<Regime> regimes = quick ? List.of(Regime.QUICK) : ALL;
    regimes.forEach(configs::of); // A wrong --set is told before anything is trained.
    Path folder = out == null ? unused() : out;
    StudyFolder.requireNew(folder);
    try (FolderLock _ = FolderLock.take(folder, output::warn)) {
      OutputFiles.requireWritableFolder(folder);
      if (report != null) {
        OutputFiles.requireWritable(report);
      }
      run(configs, regimes, folder);
    }
    return 0;
  }

  private void run(DemoConfigs configs, List<Regime> regimes, Path folder) throws IOException {
    BooleanSupplier stop =
        main.interruption()
            .listen(() ->
                output.note(
                    "ft demo: stopping after this step, to save the state; Ctrl-C again stops at"
                        + " once"));
    Map<String, Object> environment = Version.environment(spec, device);
    List<RegimeResult> results =
        new PlanLettersDemo(device::open, folder, output::warn)
            .run(regimes, configs, this::display, stop);
    if (results.size() == regimes.size()) {
      conclude(results, environment, folder);
    } else {
      output.warn(
          "stopped after %d of %d models; the same command with --out %s goes on"
              .formatted(results.size(), regimes.size(), folder));
    }
  }

  private static Path unused() {
    for (int i = 1; i < MOST_FOLDERS; i++) {
      Path folder = Path.of("runs", i == 1 ? "demo" : "demo-" + i);
      if (!Files.exists(folder)) {
        return folder;
      }
    }
    throw new ConfigException("--out", "runs is full of demos; name a folder");
  }

  private RunWatcher display(Regime regime, RunConfig config) {
    return new TrainingDisplay(output, regime.label(), config);
  }

  private void conclude(List<RegimeResult> results, Map<String, Object> environment, Path folder)
      throws IOException {
    List<String> findings = quick ? Findings.ofQuick(results.getFirst()) : Findings.ofAll(results);
    DemoFiles files = new DemoFiles(results, findings, environment);
    OutputFiles.write(folder.resolve(StudyFolder.RESULTS), Json.write(files.toMap()) + "\n");
    List<Path> pictures = files.draw(folder, output::warn);
    Map<String, @Nullable Object> object = new LinkedHashMap<>(files.toMap());
    object.put("folder", folder.toString());
    output.result(object, text(files, results, folder, pictures));
    if (report != null) { // Last: the results are worth having where this cannot be written.
      files.writeReport(report, pictures);
    }
  }

  private static String text(
      DemoFiles files, List<RegimeResult> results, Path folder, List<Path> pictures) {
    StringBuilder text = new StringBuilder(files.samples());
    for (RegimeResult result : results) {
      text.append(
          "%-18s bound %.4f = reconstruction %.4f + KL %.4f nats per character%n"
              .formatted(
                  result.regime().label(),
                  result.evaluation().nllBound(),
                  result.evaluation().reconstruction(),
                  result.evaluation().kl()));
    }
    text.append("\nresults: ").append(folder.resolve(StudyFolder.RESULTS)).append('\n');
    pictures.forEach(picture -> text.append("picture: ").append(picture).append('\n'));
    text.append('\n').append(String.join("\n", files.findings())).append('\n');
    return text.toString();
  }
}

package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.freetransformer.config.Limits;
import org.freetransformer.demo.DemoConfigs;
import org.freetransformer.run.FolderLock;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.study.CollapseReport;
import org.freetransformer.study.CollapseStudy;
import org.freetransformer.study.StudyRun;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code ft collapse}: compares the remedies against collapsed plans. */
@Command(
    name = "collapse",
    mixinStandardHelpOptions = true,
    description = {
      "Trains a small model with each remedy against collapsed plans, over several seeds.",
      "Runs that are done stand in a file and are not done again, so it may be stopped and called"
          + " anew."
    })
final class CollapseCommand implements Callable<Integer> {
  private static final long NANOS_PER_SECOND = 1_000_000_000;

  @ParentCommand private Main main;
  @Spec private CommandSpec spec;
  @Mixin private Output output;
  @Mixin private DeviceOptions device;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "File of the runs, one a line (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("runs", "collapse.jsonl");

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description =
          "Seeds for each remedy, 1 to " + StudyFolder.MOST_SEEDS + " (default: ${DEFAULT-VALUE}).")
  private int seeds = 10;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description = "Begins no further run after so many seconds, 0 or more.")
  private @Nullable Integer seconds;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes one value of every run's configuration. May be repeated.")
  private List<String> changes = new ArrayList<>();

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Also writes the tables as a Markdown document.")
  private @Nullable Path report;

  @Override
  public Integer call() throws IOException {
    Limits.between("--seeds", seeds, 1, StudyFolder.MOST_SEEDS);
    if (seconds != null) {
      Limits.between("--seconds", seconds, 0, Integer.MAX_VALUE);
    }
    Path file = out.toAbsolutePath();
    OutputFiles.requireWritable(file);
    if (report != null) {
      OutputFiles.requireWritable(report);
    }
    CollapseStudy study =
        new CollapseStudy(
            device::open, DemoConfigs.preset("collapse-study.yaml"), changes, output::note);
    // Who opens the file writes it anew: what another process still adds to the old one is lost.
    try (FolderLock _ = FolderLock.take(file.resolveSibling(""), output::warn)) {
      conclude(study.run(file, seeds, stop()));
    }
    return 0;
  }

  private void conclude(List<StudyRun> runs) throws IOException {
    output.result(
        Map.of("runs", runs.stream().map(StudyRun::toMap).toList()), CollapseReport.tables(runs));
    if (report != null) { // Last: the tables are worth having where this cannot be written.
      Map<String, Object> environment = Version.environment(spec, device);
      OutputFiles.write(report.toAbsolutePath(), CollapseReport.of(runs, environment));
    }
  }

  private BooleanSupplier stop() {
    BooleanSupplier asked =
        main.interruption()
            .listen(() -> output.note("ft collapse: stopping after this run, which is kept"));
    long began = System.nanoTime();
    return () ->
        asked.getAsBoolean()
            || (seconds != null && System.nanoTime() - began > seconds * NANOS_PER_SECOND);
  }
}

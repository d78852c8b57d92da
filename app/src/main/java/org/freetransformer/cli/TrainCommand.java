package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.freetransformer.config.ConfigException;
import org.freetransformer.plots.PictureRefresher;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.run.FolderLock;
import org.freetransformer.run.Json;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.RunFolder;
import org.freetransformer.run.TrainingReport;
import org.freetransformer.run.TrainingRun;
import org.freetransformer.run.Units;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.RunConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code ft train}: trains a model in a run folder. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    description = "Trains a model; Ctrl-C stops after the current step and saves.")
final class TrainCommand implements Callable<Integer> {
  @ParentCommand private Main main;
  @Spec private CommandSpec spec;
  @Mixin private Output output;
  @Mixin private ConfigOptions config;
  @Mixin private DeviceOptions device;
  @Mixin private RankOptions ranks;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Run folder (default: training.checkpoint_dir).")
  private @Nullable Path out;

  @Option(
      names = "--resume",
      description = "Goes on in the run folder, from its newest checkpoint, with its config.yaml.")
  private boolean resume;

  @Option(
      names = "--init",
      paramLabel = "PATH",
      description =
          "Starts from the weights of this saved model instead of new ones. What the configuration"
              + " leaves out of model, and data.tokenizer, is this model's; --config may be left"
              + " out, too.")
  private @Nullable Path init;

  @Override
  public Integer call() throws IOException {
    if (resume && init != null) {
      throw new ConfigException("--init", "is for new runs: --resume has its own weights");
    }
    RunConfig run = resume ? resumed() : config.read(output, init);
    Path path = out == null ? Path.of(run.training().checkpointDir()) : out;
    int sharing = ranks.onThisMachine();
    BooleanSupplier stop =
        main.interruption()
            .listen(() ->
                output.note(
                    "ft train: stopping after this step, to save the state; Ctrl-C again stops at"
                        + " once"));
    ranks.run(
        rank -> {
          if (rank.isFirst()) {
            lead(run, path, rank, sharing, stop);
          } else {
            follow(run, path, rank, sharing, stop);
          }
        },
        output);
    return 0;
  }

  /** What the rank does that speaks and writes for all: often the only one. */
  private void lead(RunConfig run, Path path, Ranks rank, int sharing, BooleanSupplier stop)
      throws IOException {
    requirePlace(path);
    rank.meet();
    try (Engine engine = device.open(sharing);
        Engine host = openHost(run, sharing);
        TrainingRun training = prepare(engine, host, run, output::warn, rank, stop);
        FolderLock _ = FolderLock.take(path, output::warn)) {
      output.detail("on %s, %s".formatted(engine.device().name(), engine.device().description()));
      RunFolder folder = resume ? RunFolder.open(path) : RunFolder.create(path, init != null);
      if (resume) {
        folder.requireWritable();
        output.note("ft train: going on after step " + training.resume(folder));
      } else if (init != null) {
        training.initialize(init, folder);
      }
      Optional<String> tokenizer = run.data().tokenizerJson();
      if (tokenizer.isPresent()) {
        OutputFiles.write(folder.tokenizer(), tokenizer.get());
      }
      // Last of all that a resumed run needs: by this file it is one.
      OutputFiles.write(folder.config(), ConfigFile.write(run.toMap()));
      OutputFiles.write(folder.environment(), Json.write(Version.environment(spec, engine)) + "\n");
      TrainingRun.Outcome outcome = train(training, run, folder, stop);
      output.result(TrainingReport.of(outcome, folder), text(outcome, folder));
    }
  }

  /**
   * Refuses a folder that cannot be the run's before tokens are made of its data, which may take
   * hours; without a change to the disk, for the data may be refused next.
   */
  private void requirePlace(Path path) throws IOException {
    FolderLock.requireFree(path);
    if (resume) {
      RunFolder.open(path);
    } else {
      RunFolder.requireNew(path, init != null);
    }
    OutputFiles.requirePlaceFor(path);
  }

  /** What the other ranks do: the same training, in silence. */
  private void follow(RunConfig run, Path path, Ranks rank, int sharing, BooleanSupplier stop)
      throws IOException {
    rank.meet(); // The first one may refuse the folder.
    try (Engine engine = device.open(sharing);
        Engine host = openHost(run, sharing);
        TrainingRun training = prepare(engine, host, run, _ -> {}, rank, stop)) {
      RunFolder folder = new RunFolder(path);
      if (resume) {
        training.resume(folder);
      } else if (init != null) {
        training.initialize(init, folder);
      }
      training.follow(folder, stop);
    }
  }

  /** The run, for which all memory is taken before its first step. */
  private TrainingRun prepare(
      Engine engine,
      @Nullable Engine host,
      RunConfig run,
      Consumer<String> warnings,
      Ranks rank,
      BooleanSupplier stop) {
    try {
      return new TrainingRun(engine, host, run, warnings, rank, stop);
    } catch (OutOfMemoryError full) {
      throw device.hasMemory() ? DeviceMemory.explained(full, run, rank.size()) : full;
    }
  }

  /** What keeps a share that is offloaded, if there is anything beside the device. */
  private @Nullable Engine openHost(RunConfig run, int sharing) {
    return run.training().sharding().cpuOffload() ? device.openHost(sharing) : null;
  }

  private RunConfig resumed() {
    if (config.hasFile()) {
      return config.read(output);
    }
    if (out == null) {
      throw new ConfigException(
          "--out", "is missing; with --resume it names the run to go on with");
    }
    RunFolder folder = RunFolder.open(out);
    RunConfig run = config.change(folder.readConfig(), output);
    return Files.exists(folder.tokenizer()) ? run.withTokenizer(folder.tokenizer()) : run;
  }

  private TrainingRun.Outcome train(
      TrainingRun training, RunConfig run, RunFolder folder, BooleanSupplier stop)
      throws IOException {
    TrainingDisplay display = new TrainingDisplay(output, "train", run);
    try (PictureRefresher pictures = new PictureRefresher(folder, run, display, output::warn)) {
      TrainingRun.Outcome outcome = training.train(folder, pictures, stop);
      pictures.draw();
      return outcome;
    }
  }

  private static String waits(List<Double> seconds) {
    return "waited for other ranks: %s; %s%n"
        .formatted(
            seconds.stream().map("%.1f s"::formatted).collect(Collectors.joining(", ")),
            TrainingDisplay.waits(seconds));
  }

  private static String text(TrainingRun.Outcome outcome, RunFolder folder) {
    StringBuilder text = new StringBuilder();
    text.append(
        "%s after %d steps, %.0f tokens/s, %s of memory at most%s%n"
            .formatted(
                outcome.finished() ? "done" : "stopped",
                outcome.steps(),
                outcome.tokensPerSecond(),
                Units.bytes(outcome.peakBytes()),
                outcome.hostPeakBytes() == 0
                    ? ""
                    : " on the device, %s on the host"
                        .formatted(Units.bytes(outcome.hostPeakBytes()))));
    if (outcome.evaluation() != null) {
      text.append(
          "on the first %,d held-out tokens; ft eval --run %s takes all:%n"
              .formatted(outcome.evaluation().tokens(), folder.path()));
      text.append(EvaluationText.of(outcome.evaluation()));
    }
    if (outcome.rankWaits().size() > 1) {
      text.append(waits(outcome.rankWaits()));
    }
    text.append("run folder: ").append(folder.path()).append('\n');
    return text.toString();
  }
}

package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.freetransformer.precision.PrecisionReport;
import org.freetransformer.precision.PrecisionStudy;
import org.freetransformer.run.Environment;
import org.freetransformer.run.FolderLock;
import org.freetransformer.run.Json;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.train.RunConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code ft precision}: one model in every precision. */
@Command(
    name = "precision",
    mixinStandardHelpOptions = true,
    description = {
      "Trains one configuration in fp32, bf16 and fp16, with activations kept and computed again,",
      "and compares losses, memory and speed."
    })
final class PrecisionCommand implements Callable<Integer> {
  @ParentCommand private Main main;
  @Spec private CommandSpec spec;
  @Mixin private Output output;
  @Mixin private ConfigOptions config;
  @Mixin private DeviceOptions device;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "A new folder for the runs, results.json and the pictures.")
  private Path out;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Also writes the results as a Markdown document, with its pictures beside it.")
  private @Nullable Path report;

  @Override
  public Integer call() throws IOException {
    RunConfig run = config.read(output);
    StudyFolder.requireNew(out);
    PrecisionStudy study = new PrecisionStudy(device::open, out, run, output::warn);
    try (FolderLock _ = FolderLock.take(out, output::warn)) {
      study.requireNew();
      OutputFiles.requireWritableFolder(out);
      if (report != null) {
        OutputFiles.requireWritable(report);
      }
      Map<String, Object> environment = Version.environment(spec, device);
      BooleanSupplier stop =
          main.interruption().listen(() -> output.note("ft precision: stopping after this step"));
      PrecisionReport result =
          study.run(
              Json.write(environment) + "\n",
              (task, trained) -> new TrainingDisplay(output, task, trained),
              stop);
      if (result == null) {
        output.warn("stopped; there are results only when all is trained");
      } else {
        conclude(result, environment);
      }
    }
    return 0;
  }

  private void conclude(PrecisionReport result, Map<String, Object> environment)
      throws IOException {
    Map<String, @Nullable Object> object = new LinkedHashMap<>(result.toMap(environment));
    OutputFiles.write(out.resolve(StudyFolder.RESULTS), Json.write(object) + "\n");
    result.draw(out.resolve("loss.png"), out.resolve("memory.png"), output::warn);
    object.put("folder", out.toString());
    output.result(
        object,
        "%s%n%s%n%nresults: %s%n"
            .formatted(
                result.table(),
                String.join("\n", result.findings()),
                out.resolve(StudyFolder.RESULTS)));
    if (report != null) { // Last: the results are worth having where this cannot be written.
      result.write(report, Environment.command(environment), environment, output::warn);
    }
  }
}

package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.freetransformer.config.Limits;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ft bench}: how fast this machine computes, beside libtorch and the machine's limits. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = {
      "Measures this project's kernels and training step beside libtorch's and beside the limits of"
          + " the machine, in one run.",
      "Under the table stand the bars that this project sets itself, and what was found.",
      "Quick measures a part of it in five to ten minutes, a thorough run all in about an hour."
    })
final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--suite",
      paramLabel = "NAME",
      split = ",",
      description = {
        "gemm, kernels, mapper, step, free, decode or shard; several with commas (default: all but"
            + " shard, which measures training on ranks); or jlama alone, decoding beside that"
            + " engine in Java; or gpu, with --device."
      })
  private List<String> suites = List.of();

  @Option(
      names = "--device",
      paramLabel = "D",
      description =
          "A device beyond the processor, such as opencl:0, for the suite gpu: see ft devices.")
  private @Nullable String device;

  @Option(
      names = "--quick",
      description = "Fewer cases, one JVM for each, shorter rounds, and no memory of a step.")
  private boolean quick;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "Threads of every side, 1 to "
              + DeviceOptions.MOST_THREADS
              + " (default: all processors, and for gemm and a thorough run's step one as well).")
  private @Nullable Integer threads;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the rows as JSON as well.")
  private @Nullable Path json;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Write a page of ratios in Markdown and a roofline picture as well.")
  private @Nullable Path report;

  @Option(
      names = {"-v", "--verbose"},
      description = "Errors with their stack trace.")
  @SuppressWarnings("UnusedVariable") // Failure looks it up by name
  private boolean verbose;

  @Override
  public Integer call() throws IOException {
    if (threads != null) {
      Limits.between("--threads", threads, 1, DeviceOptions.MOST_THREADS);
    }
    Benchmarks benchmarks =
        ServiceLoader.load(Benchmarks.class)
            .findFirst()
            .orElseThrow(() ->
                new IllegalStateException(
                    "benchmarks are not on the class path: start them with ./ft bench"));
    String words = String.join(" ", spec.root().commandLine().getParseResult().originalArgs());
    benchmarks.run(
        new Benchmarks.Request(suites, quick, device, threads, json, report, "./ft " + words),
        System.out);
    return 0;
  }
}

package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command behind {@code scripts/fuzz}. */
@Command(
    name = "fuzz",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Reads spoilt files until one is not read or refused as it must be.")
final class FuzzCommand implements Callable<Integer> {
  /** For a file. */
  private static final int MOST_SECONDS = 20;

  @Spec private CommandSpec spec;

  @Parameters(
      arity = "1..*",
      paramLabel = "FORMAT",
      completionCandidates = Names.class,
      description = "all, or: ${COMPLETION-CANDIDATES}")
  private List<String> formats = List.of();

  @Option(
      names = "--runs",
      paramLabel = "N",
      defaultValue = "1000000",
      description = "files of each format; default ${DEFAULT-VALUE}")
  private long runs;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "of the random numbers; default ${DEFAULT-VALUE}")
  private int seed;

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      defaultValue = "target/fuzz",
      description =
          "where each format has a folder with its log, its findings and the files that reached"
              + " new code, from which the next campaign goes on; default app/${DEFAULT-VALUE}")
  private Path folder = Path.of("target", "fuzz");

  /** The names of the formats, for the help. */
  static final class Names extends ArrayList<String> {
    private static final long serialVersionUID = 1L;

    Names() {
      for (FuzzedFormat format : FuzzedFormat.values()) {
        add(format.toString());
      }
    }
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    int findings = 0;
    for (FuzzedFormat format : chosen()) {
      Path own = folder.resolve(format.toString());
      Campaign.Outcome outcome = new Campaign(format, own, runs, seed, MOST_SECONDS).run();
      if (outcome.exitCode() == 0) {
        System.out.println(format + ": " + outcome.summary());
      } else {
        findings++;
        System.out.printf(
            "%s: a FINDING (exit code %d), see %s and %s%n",
            format, outcome.exitCode(), own.resolve("log"), own.resolve("findings"));
      }
    }
    return findings == 0 ? 0 : 1;
  }

  private List<FuzzedFormat> chosen() {
    try {
      return formats.equals(List.of("all"))
          ? List.of(FuzzedFormat.values())
          : formats.stream().map(FuzzedFormat::named).toList();
    } catch (IllegalArgumentException unknown) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          "%s; allowed are all, %s"
              .formatted(unknown.getMessage(), String.join(", ", new Names())));
    }
  }

  /** Runs the command. */
  public static void main(String[] arguments) {
    CommandLine command = new CommandLine(new FuzzCommand());
    command.setParameterExceptionHandler((wrong, _) -> {
      System.err.println("fuzz: " + wrong.getMessage());
      return CommandLine.ExitCode.USAGE;
    });
    System.exit(command.execute(arguments));
  }
}

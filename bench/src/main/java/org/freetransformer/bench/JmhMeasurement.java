package org.freetransformer.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import org.freetransformer.bench.suite.Place;
import org.freetransformer.bench.suite.PyTorchPeers;
import org.freetransformer.bench.suite.Suite;
import org.freetransformer.bench.suite.Unit;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs one case of {@link ContestBenchmark} in JVMs of its own. */
final class JmhMeasurement {
  /** The launcher's own options, so that what is measured is what users run. */
  static final List<String> LAUNCHER_OPTIONS =
      List.of(
          "--add-modules=jdk.incubator.vector",
          "--enable-native-access=ALL-UNNAMED",
          "-XX:+UseSerialGC",
          "-XX:Tier3DelayOn=10000",
          "--sun-misc-unsafe-memory-access=allow");

  private static final double MICRO = 1e-6;

  static {
    // JMH otherwise refuses to run while any other JMH runs on the machine.
    System.setProperty("jmh.ignoreLock", "true");
  }

  private JmhMeasurement() {}

  /**
   * Measures one case.
   *
   * @param missing takes what the JVMs say of peers that are missing
   * @throws IllegalStateException with what JMH and the JVMs said, if a JVM fails
   */
  @SuppressWarnings("EnumOrdinal") // see ContestBenchmark.round
  static Row measure(
      Suite suite, String name, Place place, Effort effort, Consumer<String> missing) {
    Options options =
        new OptionsBuilder()
            .include(ContestBenchmark.class.getName() + ".round")
            .param("suite", suite.name())
            .param("contest", name)
            .param("device", place.device())
            .param("threads", Integer.toString(place.threads()))
            .param("batchMillis", Integer.toString(effort.batchMillis()))
            .forks(effort.forks())
            .warmupIterations(effort.warmups())
            .measurementIterations(effort.rounds())
            .jvmArgs(options(suite, name, place))
            .shouldFailOnError(true)
            .build();
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    OutputFormat format =
        OutputFormatFactory.createFormatInstance(
            new PrintStream(said, true, UTF_8), VerboseMode.NORMAL);
    try {
      List<IterationResult> rounds = rounds(new Runner(options, format).run());
      said.toString(UTF_8)
          .lines()
          .filter(line -> line.startsWith(PyTorchPeers.MISSING))
          .distinct()
          .forEach(missing);
      IterationResult any = rounds.getFirst();
      Unit unit = Unit.values()[(int) counter(any, "unit")];
      return Row.of(
          suite.name(),
          name,
          place.threads(),
          unit,
          counter(any, "amount"),
          counter(any, "intensity"),
          rounds.stream().map(JmhMeasurement::round).toList());
    } catch (RunnerException e) {
      throw new IllegalStateException(
          "%s '%s' failed:%n%s".formatted(suite.name(), name, said.toString(UTF_8)), e);
    }
  }

  /**
   * A device's JVM starts with what this one was started with, which has the device's flags. What a
   * case needs comes last, and so holds.
   */
  private static String[] options(Suite suite, String name, Place place) {
    List<String> options = new ArrayList<>();
    if (!place.device().equals(Place.CPU)) {
      options.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    }
    options.addAll(LAUNCHER_OPTIONS);
    options.add("-Xmx2g");
    options.addAll(suite.options(name));
    return options.toArray(String[]::new);
  }

  private static List<IterationResult> rounds(Collection<RunResult> results) {
    List<IterationResult> rounds = new ArrayList<>();
    for (RunResult run : results) {
      for (BenchmarkResult fork : run.getBenchmarkResults()) {
        rounds.addAll(fork.getIterationResults());
      }
    }
    return rounds;
  }

  private static Row.Round round(IterationResult round) {
    return new Row.Round(
        MICRO * counter(round, "ours"),
        MICRO * counter(round, "peer"),
        MICRO * counter(round, "other"),
        MICRO * counter(round, "limit"),
        counter(round, "garbage"));
  }

  private static double counter(IterationResult round, String name) {
    Result<?> result = round.getSecondaryResults().get(name);
    if (result == null) {
      throw new IllegalStateException(
          "JMH has no counter '%s' but %s".formatted(name, round.getSecondaryResults().keySet()));
    }
    return result.getScore();
  }
}

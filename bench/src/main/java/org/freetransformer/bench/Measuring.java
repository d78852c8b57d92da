package org.freetransformer.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.freetransformer.bench.jlama.Jlama;
import org.freetransformer.bench.suite.FreeSuite;
import org.freetransformer.bench.suite.GenerationMemory;
import org.freetransformer.bench.suite.Peers;
import org.freetransformer.bench.suite.Place;
import org.freetransformer.bench.suite.Suite;
import org.freetransformer.cli.Benchmarks.Request;

/**
 * A run's suites, measured one after the other: what was found of each is printed as soon as it is
 * known. What fails is printed too, and does not end the run.
 */
final class Measuring {
  /** What measures one thing; it may fail on its own. */
  private interface Part {
    void measure() throws IOException;
  }

  private final Request request;
  private final PrintStream out;
  private final List<Row> rows = new ArrayList<>();
  private final List<StepMemory> memory = new ArrayList<>();
  private final List<String> remarks = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();
  private final List<RuntimeException> causes = new ArrayList<>();

  Measuring(Request request, PrintStream out) {
    this.request = request;
    this.out = out;
  }

  /** Measures all, and prints rows and what stands under them. */
  Results run(List<Suite> suites) throws IOException {
    BenchmarkEnvironment.set();
    Machine machine = Machine.here(request.device());
    out.println(machine.describe());
    Peers peers = suites.getFirst().peers();
    if (peers == Peers.JLAMA) {
      remark("Jlama's kernels are its %s.%n".formatted(Jlama.kernels()));
    }
    out.print(Results.header(peers));
    out.flush();
    for (Suite suite : suites) {
      measure(suite);
    }
    if (!failures.isEmpty()) {
      remarks.add("Not measured:%n%n%s%n".formatted(String.join("%n".formatted(), failures)));
    }
    Results results = new Results(machine, peers, rows, memory, remarks);
    out.print(results.footer());
    String bars = Bars.of(rows);
    if (!bars.isEmpty()) {
      out.println();
      remark(bars);
    }
    return new Results(machine, peers, rows, memory, remarks);
  }

  /**
   * Says that something was not measured, if so.
   *
   * @throws IllegalStateException with the first failure as its cause
   */
  void requireNoFailure() {
    if (!failures.isEmpty()) {
      throw new IllegalStateException(
          "%d of the run's parts failed, all else was measured; first: %s"
              .formatted(failures.size(), failures.getFirst()),
          causes.getFirst());
    }
  }

  private void measure(Suite suite) throws IOException {
    Effort effort = Effort.of(suite, request.quick());
    for (String name : request.quick() ? suite.quickCases() : suite.cases()) {
      for (int threads : threads(suite)) {
        attempt(
            "%s '%s', %d threads".formatted(suite.name(), name, threads),
            () -> add(JmhMeasurement.measure(suite, name, place(threads), effort, this::missing)));
      }
    }
    switch (suite.name()) {
      case FreeSuite.NAME -> {
        remarks.add(FreeRemarks.of(rows));
        if (!request.quick()) {
          remarks.add(GenerationMemory.measure().remark());
        }
      }
      case "step" -> {
        if (!request.quick()) {
          measureMemory(suite);
        }
      }
      case "shard" -> {
        attempt(MpiAllReduce.NAME.strip(), () -> measureMpi(effort));
        remarks.addAll(ShardRemarks.of(rows));
      }
      default -> {}
    }
  }

  private void attempt(String what, Part part) throws IOException {
    try {
      part.measure();
    } catch (IllegalStateException failure) {
      String reason = reason(String.valueOf(failure.getMessage()));
      failures.add("%s failed: %s".formatted(what, reason));
      causes.add(failure);
      out.println(failures.getLast());
      out.flush();
    }
  }

  /** Of all that a process said, the last line that names a failure; if none does, the last. */
  static String reason(String said) {
    List<String> lines = said.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
    return lines.reversed().stream()
        .filter(line -> !line.startsWith("at "))
        .filter(line -> line.contains("Exception: ") || line.contains("Error: "))
        .findFirst()
        .or(() -> lines.isEmpty() ? Optional.empty() : Optional.of(lines.getLast()))
        .orElse("nothing was said");
  }

  private void add(Row row) {
    rows.add(row);
    out.print(Results.line(row));
    out.flush();
  }

  private void missing(String line) {
    remark("%s%n".formatted(line));
  }

  private void remark(String text) {
    remarks.add(text);
    out.print(text);
    out.flush();
  }

  /** What steps hold, as a remark; if that cannot be told, what is missing. */
  private void measureMemory(Suite suite) throws IOException {
    Optional<String> missing = StepMemory.whyMissing();
    if (missing.isPresent()) {
      remark("memory of a step not measured: %s.%n".formatted(missing.get()));
      return;
    }
    int[] threads = threads(suite);
    int most = threads[threads.length - 1];
    for (String name : suite.cases()) {
      attempt(
          "memory of %s".formatted(name),
          () -> memory.add(StepMemory.measure(name, most, StepMemory.Patience.THOROUGH)));
    }
    remark(StepMemory.remark(memory));
  }

  /** Rows of ranks that are processes; if there can be none, what is missing. */
  private void measureMpi(Effort effort) throws IOException {
    Optional<String> missing = MpiAllReduce.whyMissing();
    if (missing.isPresent()) {
      remark("%snot measured: %s.%n".formatted(MpiAllReduce.NAME, missing.get()));
      return;
    }
    int most = Runtime.getRuntime().availableProcessors();
    int ranks = Objects.requireNonNullElse(request.threads(), Math.max(2, most));
    MpiAllReduce.measure(ranks, effort).forEach(this::add);
  }

  private Place place(int threads) {
    return request.device() == null ? Place.cpu(threads) : new Place(request.device(), threads);
  }

  /** All threads, and for matrix products and the thorough run's step one thread as well. */
  private int[] threads(Suite suite) {
    if (request.threads() != null) {
      return new int[] {request.threads()};
    }
    int all = Runtime.getRuntime().availableProcessors();
    boolean single =
        suite.name().equals("gemm") || (!request.quick() && suite.name().equals("step"));
    return single && all > 1 ? new int[] {1, all} : new int[] {all};
  }
}

package org.freetransformer.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.freetransformer.bench.suite.Suites;
import org.freetransformer.cli.Benchmarks;
import org.freetransformer.config.Nearest;
import org.freetransformer.tensor.device.Devices;
import org.jspecify.annotations.Nullable;

/** What {@code ft bench} does: measures suite by suite and prints a row as soon as it is known. */
public final class BenchmarkRunner implements Benchmarks {
  private static final String GPU = "gpu";

  @Override
  public void run(Request request, PrintStream out) throws IOException {
    List<Suite> suites = suites(request);
    requireWritable(request.json());
    requireWritable(request.report());
    Machine machine = Machine.here(request.device());
    out.println(machine.describe());
    Peers peers = suites.getFirst().peers();
    List<String> remarks = new ArrayList<>();
    if (peers == Peers.JLAMA) {
      remarks.add("Jlama's kernels are its %s.%n".formatted(Jlama.kernels()));
      remarks.forEach(out::print);
    }
    out.print(Results.header(peers));
    out.flush();
    List<Row> rows = new ArrayList<>();
    List<StepMemory> memory = new ArrayList<>();
    for (Suite suite : suites) {
      Effort effort = Effort.of(suite, request.quick());
      for (String name : request.quick() ? suite.quickCases() : suite.cases()) {
        for (int threads : threads(request, suite)) {
          add(JmhMeasurement.measure(suite, name, place(request, threads), effort), rows, out);
        }
      }
      if (suite.name().equals(FreeSuite.NAME)) {
        remarks.add(FreeRemarks.of(rows));
        if (!request.quick()) {
          remarks.add(GenerationMemory.measure().remark());
        }
      }
      if (suite.name().equals("step") && !request.quick()) {
        remarks.add(measureMemory(request, suite, memory, out));
      }
      if (suite.name().equals("shard")) {
        measureMpi(request, effort, rows, out).ifPresent(remarks::add);
        remarks.addAll(ShardRemarks.of(rows));
      }
    }
    Results results = new Results(machine, peers, rows, memory, remarks);
    out.print(results.footer());
    out.flush();
    if (request.json() != null) {
      Files.writeString(request.json(), results.toJson());
    }
    if (request.report() != null) {
      writeReport(request.report(), results, request.command());
    }
  }

  private static void add(Row row, List<Row> rows, PrintStream out) {
    rows.add(row);
    out.print(Results.line(row));
    out.flush();
  }

  /** What steps hold, as a remark; if that cannot be told, what is missing. */
  private static String measureMemory(
      Request request, Suite suite, List<StepMemory> memory, PrintStream out) throws IOException {
    Optional<String> missing = StepMemory.whyMissing();
    int[] threads = threads(request, suite);
    for (String name : missing.isPresent() ? List.<String>of() : suite.cases()) {
      int most = threads[threads.length - 1];
      memory.add(StepMemory.measure(name, most, StepMemory.Patience.THOROUGH));
    }
    String remark =
        missing
            .map(what -> "memory of a step not measured: %s.%n".formatted(what))
            .orElseGet(() -> StepMemory.remark(memory));
    out.print(remark);
    out.flush();
    return remark;
  }

  /** Rows of ranks that are processes; if there can be none, what is missing. */
  private static Optional<String> measureMpi(
      Request request, Effort effort, List<Row> rows, PrintStream out) throws IOException {
    Optional<String> missing = MpiAllReduce.whyMissing();
    if (missing.isPresent()) {
      String remark = "%snot measured: %s.%n".formatted(MpiAllReduce.NAME, missing.get());
      out.print(remark);
      return Optional.of(remark);
    }
    int most = Runtime.getRuntime().availableProcessors();
    int ranks = Objects.requireNonNullElse(request.threads(), Math.max(2, most));
    MpiAllReduce.measure(ranks, effort).forEach(row -> add(row, rows, out));
    return Optional.empty();
  }

  /** The page, and beside it the picture under the same name. */
  private static void writeReport(Path page, Results results, String command) throws IOException {
    String name = page.getFileName().toString().replaceFirst("\\.md$", "") + "-roofline.png";
    String picture = "";
    for (Roofline roofline : Roofline.of(results.rows())) {
      String place = results.machine().place(roofline.threads());
      roofline.write(page.resolveSibling(name), place, results.peers().rate());
      picture =
          """
          ![Speed over operations per byte](%s)

          *Sloped: the fastest of the loops over memory, those whose operands stay in a cache among them.
          Flat: the fastest of multiply-adds.*

          """
              .formatted(name);
    }
    Files.writeString(page, results.toMarkdown(command, picture));
  }

  private static Place place(Request request, int threads) {
    return request.device() == null ? Place.cpu(threads) : new Place(request.device(), threads);
  }

  private static List<Suite> suites(Request request) {
    if (request.device() != null) {
      Devices.provided(request.device()); // Says what is missing before anything is measured.
    }
    List<String> names =
        request.suites().isEmpty() && request.device() != null ? List.of(GPU) : request.suites();
    if (names.isEmpty()) {
      return Suites.UNASKED;
    }
    if (names.contains(GPU) && request.device() == null) {
      throw new IllegalArgumentException(
          "--suite gpu: name the device with --device, such as opencl:0; ft devices lists them");
    }
    if ((request.device() != null || names.contains(GPU)) && !names.equals(List.of(GPU))) {
      throw new IllegalArgumentException(
          "--device is for --suite gpu alone: the other suites measure the processor");
    }
    List<String> known = Suites.ALL.stream().map(Suite::name).toList();
    for (String name : names) {
      if (!known.contains(name)) {
        String hint = Nearest.to(name, known).map(near -> "; nearest is " + near).orElse("");
        throw new IllegalArgumentException(
            "--suite: '%s' is unknown; allowed are %s%s"
                .formatted(name, String.join(", ", known), hint));
      }
    }
    List<Suite> suites = Suites.ALL.stream().filter(suite -> names.contains(suite.name())).toList();
    for (Suite suite : suites) {
      if (suite.peers() != suites.getFirst().peers()) {
        throw new IllegalArgumentException(
            "--suite %s stands alone: its ratios are to another peer".formatted(suite.name()));
      }
    }
    return suites;
  }

  /** All threads, and for matrix products and the thorough run's step one thread as well. */
  private static int[] threads(Request request, Suite suite) {
    if (request.threads() != null) {
      return new int[] {request.threads()};
    }
    int all = Runtime.getRuntime().availableProcessors();
    boolean single =
        suite.name().equals("gemm") || (!request.quick() && suite.name().equals("step"));
    return single && all > 1 ? new int[] {1, all} : new int[] {all};
  }

  /** Minutes of measuring must not end at a file that cannot be written. */
  private static void requireWritable(@Nullable Path file) {
    if (file == null) {
      return;
    }
    Path folder = file.toAbsolutePath().getParent();
    boolean writable =
        Files.exists(file)
            ? Files.isRegularFile(file) && Files.isWritable(file)
            : folder != null && Files.isWritable(folder);
    if (!writable) {
      throw new IllegalArgumentException(
          "%s cannot be written: name a file in a folder that exists and is writable"
              .formatted(file));
    }
  }
}

package org.freetransformer.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
    Measuring measuring = new Measuring(request, out);
    Results results = measuring.run(suites);
    if (request.json() != null) {
      Files.writeString(request.json(), results.toJson());
    }
    if (request.report() != null) {
      writeReport(request.report(), results, request.command());
    }
    measuring.requireNoFailure();
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

          *Sloped: the loop over as much memory as the largest operation moves. Flat: the fastest of
          multiply-adds. What stays in a cache may lie above the slope.*

          """
              .formatted(name);
    }
    Files.writeString(page, results.toMarkdown(command, picture));
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

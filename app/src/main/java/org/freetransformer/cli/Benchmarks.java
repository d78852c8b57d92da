package org.freetransformer.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code ft bench} runs. The module {@code bench}, which brings libtorch along, provides it as
 * a service; the launcher puts that module on the class path for this command alone.
 */
public interface Benchmarks {
  /**
   * What to measure.
   *
   * @param suites names of suites; empty for those that need not be asked for
   * @param quick whether to take some minutes rather than as long as it needs
   * @param device where the suite gpu computes, or null for the processor and the other suites
   * @param threads of every side, or null for one and for all
   * @param json a file for the rows as JSON, or null
   * @param report a file for a page of ratios in Markdown, or null
   * @param command how the user called, for the page
   */
  record Request(
      List<String> suites,
      boolean quick,
      @Nullable String device,
      @Nullable Integer threads,
      @Nullable Path json,
      @Nullable Path report,
      String command) {}

  /**
   * Measures, and prints a table.
   *
   * @throws IllegalArgumentException if a suite or device is unknown, or a file cannot be written
   * @throws IOException if a file cannot be written after all
   */
  void run(Request request, PrintStream out) throws IOException;
}

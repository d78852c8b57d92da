package org.freetransformer.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.bench.suite.StepSide;

/**
 * Resident memory of a whole training step, ours and libtorch's, each side alone in a JVM of its
 * own.
 *
 * @param name of the case
 * @param threads of either side
 */
record StepMemory(String name, int threads, Held ours, Held peer) {
  /** The most that our peak may be as a share of libtorch's. */
  static final double WANTED = 0.6;

  /** What {@code ./ft train} asks for beside what all commands have. */
  private static final String YOUNG_GENERATION = "-Xmn16m";

  private static final Duration MOST_TIME = Duration.ofMinutes(8);
  private static final double MIB = 1 << 20;

  /**
   * What a process held, in bytes of resident memory.
   *
   * @param loaded with the side's library, and no model yet
   * @param built with model and optimizer, before the first step
   * @param peak the most of all
   * @param steps that were run until it grew no more
   */
  record Held(long loaded, long built, long peak, int steps) {
    private static final String START = "held ";

    String line() {
      return START + String.join(" ", "" + loaded, "" + built, "" + peak, "" + steps);
    }

    /**
     * From what a process printed.
     *
     * @throws IllegalArgumentException if no line is one of {@link #line}
     */
    static Held parse(String said) {
      String line =
          said.lines()
              .filter(one -> one.startsWith(START))
              .findFirst()
              .orElseThrow(() -> new IllegalArgumentException("no figures in: " + said));
      long[] numbers =
          Arrays.stream(line.substring(START.length()).split(" ", -1))
              .mapToLong(Long::parseLong)
              .toArray();
      return new Held(numbers[0], numbers[1], numbers[2], (int) numbers[3]);
    }

    private Map<String, Object> toMap() {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("loaded_bytes", loaded);
      map.put("built_bytes", built);
      map.put("peak_bytes", peak);
      map.put("steps", steps);
      return map;
    }
  }

  /**
   * When a process may end.
   *
   * @param quietSteps steps in turn that raise the peak by nothing to speak of
   * @param leastSeconds for the compilers, whose memory counts as well
   */
  record Patience(int quietSteps, int leastSeconds) {
    static final Patience THOROUGH = new Patience(20, 15);
  }

  /** What is missing to measure, for people; empty if nothing is. */
  static Optional<String> whyMissing() {
    return ProcessStatus.isThere()
        ? Libtorch.whyMissing()
        : Optional.of("/proc/self/status is missing, where Linux tells a process's memory");
  }

  /**
   * Runs both processes, one after the other.
   *
   * @throws IllegalStateException with what was said, if a process fails
   */
  static StepMemory measure(String name, int threads, Patience patience) throws IOException {
    return new StepMemory(
        name,
        threads,
        held(StepSide.OURS, name, threads, patience),
        held(StepSide.LIBTORCH, name, threads, patience));
  }

  private static Held held(StepSide side, String name, int threads, Patience patience)
      throws IOException {
    Map<String, String> environment = Map.of("OMP_WAIT_POLICY", "PASSIVE"); // Nothing is timed.
    List<String> command = command(side, name, threads, patience);
    return Held.parse(
        ChildProcess.said("step '%s'".formatted(name), command, environment, MOST_TIME));
  }

  /** What runs one side alone. */
  static List<String> command(StepSide side, String name, int threads, Patience patience) {
    List<String> command = new ArrayList<>();
    command.add(ChildProcess.java());
    command.addAll(JmhMeasurement.LAUNCHER_OPTIONS);
    command.add(YOUNG_GENERATION);
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            StepMemoryProcess.class.getName(),
            side.name(),
            name,
            Integer.toString(threads),
            Integer.toString(patience.quietSteps()),
            Integer.toString(patience.leastSeconds())));
    return command;
  }

  /** Our peak as a share of libtorch's. */
  double ratio() {
    return (double) ours.peak() / peer.peak();
  }

  /** A paragraph in Markdown: how the peaks meet the bar, and what they are made of. */
  static String remark(List<StepMemory> all) {
    StringBuilder text =
        new StringBuilder(
            """
            Resident memory of a training step (VmRSS and VmHWM of /proc/self/status, pages of mapped files
            among them), each side alone in a JVM with the options of `./ft train`, until steps no longer
            raise it; libtorch is reached through DJL, and each array of its goes with its last use, as in
            Python. Loaded: the side's library, no model. Built: weights and moments as well, ours with
            gradients and with room for activations, both of which libtorch takes within a step.

            | bar | wanted | found |
            |---|---|---|
            """);
    for (StepMemory one : all) {
      text.append(
          "| peak resident memory of a step beside libtorch's, %s, %d threads | ≤ %s | %s (ours %s MiB, libtorch %s MiB) |\n"
              .formatted(
                  one.name(),
                  one.threads(),
                  String.format(Locale.ROOT, "%.2f", WANTED),
                  String.format(Locale.ROOT, "%.2f", one.ratio()),
                  mib(one.ours().peak()),
                  mib(one.peer().peak())));
    }
    text.append("\n| MiB | loaded | built | peak | steps |\n|---|---|---|---|---|\n");
    for (StepMemory one : all) {
      text.append(row(one.name() + ", ours", one.ours()));
      text.append(row(one.name() + ", libtorch", one.peer()));
    }
    return text.toString();
  }

  private static String row(String what, Held held) {
    return "| %s | %s | %s | %s | %d |\n"
        .formatted(what, mib(held.loaded()), mib(held.built()), mib(held.peak()), held.steps());
  }

  private static String mib(long bytes) {
    return Long.toString(Math.round(bytes / MIB));
  }

  /** The keys that others rely on. */
  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("case", name);
    map.put("threads", threads);
    map.put("ours", ours.toMap());
    map.put("peer", peer.toMap());
    map.put("ratio_peak", ratio());
    map.put("ratio_peak_wanted", WANTED);
    return map;
  }
}

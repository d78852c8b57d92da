package org.freetransformer.precision;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.freetransformer.plots.Curve;
import org.freetransformer.plots.Drawing;
import org.freetransformer.plots.PrecisionPictures;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.Units;
import org.freetransformer.train.RunConfig;
import org.jspecify.annotations.Nullable;

/** What the ways gave, as a table, a document and pictures. */
public final class PrecisionReport {
  private static final double PERCENT = 100;

  /** Steps over which a picture averages, as losses of single batches hide everything. */
  private static final int WINDOW = 20;

  private final RunConfig config;
  private final List<WayResult> results;

  PrecisionReport(RunConfig config, List<WayResult> results) {
    this.config = config;
    this.results = List.copyOf(results);
  }

  /** For {@code results.json}. */
  public Map<String, @Nullable Object> toMap(Map<String, Object> environment) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("environment", environment);
    map.put("config", config.toMap());
    map.put("findings", findings());
    map.put("ways", results.stream().map(WayResult::toMap).toList());
    return map;
  }

  /** What the numbers say, a sentence each. */
  public List<String> findings() {
    List<String> sentences = new ArrayList<>();
    WayResult full = result(results.getFirst().way());
    for (WayResult result : results) {
      if (result.way().seedShift() != 0) {
        sentences.add(besideSeed(result, full));
      } else if (result.way().precision().isMixed() && !result.way().recomputes()) {
        sentences.add(besideFull(result, full));
      }
      if (result.way().recomputes()) {
        sentences.add(besideKept(result, result(result.way().keeping())));
      }
    }
    sentences.add(
        "What plan-run predicts is off by at most %.2f %% of what was measured."
            .formatted(PERCENT * largestError()));
    return sentences;
  }

  private static String besideFull(WayResult half, WayResult full) {
    int steps = half.losses().size();
    String skipped =
        half.scaling() == null
            ? ""
            : ", %d steps skipped, loss scale %.0f at the end"
                .formatted(half.scaling().skippedSteps(), half.scaling().scale());
    return "%s against fp32 over %,d steps: the mean loss of the last %d differs by %+.4f nats, the held-out bound by %+.4f; activations take %.0f %% of the memory, the whole run %.0f %%%s."
        .formatted(
            half.way().label(),
            steps,
            lastSteps(half),
            mean(half) - mean(full),
            half.heldOutBound() - full.heldOutBound(),
            PERCENT * half.planned("activations") / full.planned("activations"),
            PERCENT * half.measuredBytes() / full.measuredBytes(),
            skipped);
  }

  private static String besideSeed(WayResult other, WayResult full) {
    return "The yardstick for such differences: fp32 with another seed differs by %+.4f and %+.4f nats."
        .formatted(mean(other) - mean(full), other.heldOutBound() - full.heldOutBound());
  }

  private static String besideKept(WayResult again, WayResult kept) {
    int steps = again.losses().size();
    boolean equal = again.losses().equals(kept.losses().subList(0, steps));
    return "%s: the losses of %d steps %s those of kept activations; activations take %.0f %% of the memory, the whole run %.0f %%, at %.0f %% of the speed."
        .formatted(
            again.way().label(),
            steps,
            equal ? "equal, bit for bit," : "DIFFER from",
            PERCENT * again.planned("activations") / kept.planned("activations"),
            PERCENT * again.measuredBytes() / kept.measuredBytes(),
            PERCENT * again.tokensPerSecond() / kept.tokensPerSecond());
  }

  private static int lastSteps(WayResult result) {
    return Math.min(WINDOW, result.losses().size());
  }

  private static double mean(WayResult result) {
    List<Double> losses = result.losses();
    return losses.subList(losses.size() - lastSteps(result), losses.size()).stream()
        .mapToDouble(Double::doubleValue)
        .average()
        .orElse(Double.NaN);
  }

  private double largestError() {
    return results.stream()
        .mapToDouble(r -> Math.abs((double) r.plannedTotal() / r.measuredBytes() - 1))
        .max()
        .orElse(Double.NaN);
  }

  private WayResult result(Way way) {
    return results.stream().filter(r -> r.way().equals(way)).findFirst().orElseThrow();
  }

  /** The table, in Markdown. */
  public String table() {
    StringBuilder text =
        new StringBuilder(
            """
            | way | steps | last loss | held-out bound | activations, planned | run, planned | run, measured | tokens/s |
            |---|---|---|---|---|---|---|---|
            """);
    for (WayResult result : results) {
      text.append(
          "| %s | %,d | %.4f | %s | %.1f MiB | %.1f MiB | %.1f MiB | %,.0f |%n"
              .formatted(
                  result.way().label(),
                  result.losses().size(),
                  mean(result),
                  result.evaluation() == null ? "–" : "%.4f".formatted(result.heldOutBound()),
                  Units.mebibytes(result.planned("activations")),
                  Units.mebibytes(result.plannedTotal()),
                  Units.mebibytes(result.measuredBytes()),
                  result.tokensPerSecond()));
    }
    return text.toString();
  }

  /**
   * Writes the document, with its pictures beside it.
   *
   * @param command the words that made it
   */
  public void write(
      Path document, String command, Map<String, Object> environment, Consumer<String> warnings)
      throws IOException {
    String name = document.getFileName().toString().replaceFirst("\\.md$", "");
    Path losses = document.resolveSibling(name + "-loss.png");
    Path memory = document.resolveSibling(name + "-memory.png");
    OutputFiles.write(document, text(command, environment, losses, memory));
    draw(losses, memory, warnings);
  }

  /** Draws the two pictures. */
  public void draw(Path losses, Path memory, Consumer<String> warnings) throws IOException {
    Drawing.attempt(
        () -> {
          PrecisionPictures.losses(losses, curves());
          List<WayResult> ways = results.stream().filter(r -> r.way().seedShift() == 0).toList();
          PrecisionPictures.memory(
              memory,
              ways.stream().map(r -> r.way().label()).toList(),
              ways.stream().map(WayResult::plannedBytes).toList());
        },
        warnings);
  }

  private List<Curve> curves() {
    List<Curve> curves = new ArrayList<>();
    for (WayResult result : results) {
      if (!result.way().recomputes()) {
        curves.add(smoothed(result));
      }
    }
    return curves;
  }

  private static Curve smoothed(WayResult result) {
    List<Double> steps = new ArrayList<>();
    List<Double> means = new ArrayList<>();
    List<Double> losses = result.losses();
    int window = lastSteps(result);
    for (int end = window; end <= losses.size(); end++) {
      steps.add((double) end);
      means.add(
          losses.subList(end - window, end).stream()
              .mapToDouble(Double::doubleValue)
              .average()
              .orElse(Double.NaN));
    }
    return new Curve(result.way().label(), steps, means);
  }

  private String text(String command, Map<String, Object> environment, Path losses, Path memory) {
    StringBuilder text = new StringBuilder("# Precision and memory, measured\n\n");
    text.append(
        """
        One model, the same data and the same seed, in fp32, bf16 and fp16, with activations kept and
        computed again. Made by one command, from which every number here comes:

            %s

        On %s, %s processors, Java %s. What the options mean is in
        [docs/training/precision.md](../training/precision.md).

        """
            .formatted(
                command,
                environment.get("cpu"),
                environment.get("processors"),
                environment.get("java")));
    findings().forEach(sentence -> text.append("- ").append(sentence).append('\n'));
    text.append('\n').append(table());
    text.append(
        """

        *Last loss*: what is minimised, nats per token, mean of the last %d steps; of *recomputed* ways,
        which do only the first steps, it is that of an earlier time. *Held-out bound*: nats per token, in f32.
        *Planned*: by `ft plan-run`, before the run. *Measured*: the most off-heap memory that the tensors
        of the run had in use before the first evaluation, that of its program among it; the JVM itself
        and the kernels' scratch memory, some megabytes a thread, come on top. *Tokens/s*: by the median step.

        ![Losses](%s)

        ![Memory](%s)
        """
            .formatted(WINDOW, losses.getFileName(), memory.getFileName()));
    return text.toString();
  }
}

package org.freetransformer.plots;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.freetransformer.run.Units;

/** Losses and memory of one model trained in several ways. */
public final class PrecisionPictures {
  /** Height of the picture of losses, as a multiple of the last one: the start is no news. */
  private static final double ROOM_ABOVE = 1.6;

  /** The kinds of memory that decide; all others are summed up. */
  private static final List<String> KINDS =
      List.of("parameters", "gradients", "moments", "16-bit weights", "activations", "evaluation");

  private PrecisionPictures() {}

  /** Loss curves over each other. */
  public static void losses(Path file, List<Curve> curves) throws IOException {
    LineChart chart =
        new LineChart(
            "Loss in each precision (mean of the last steps)", "optimizer step", "nats per token");
    curves.forEach(chart::add);
    double last = curves.getFirst().y().getLast();
    chart.colours(Palette.series()).upTo(ROOM_ABOVE * last).write(file);
  }

  /**
   * A bar for each way, made of its kinds of memory.
   *
   * @param bytes by kind, as many as ways
   */
  public static void memory(Path file, List<String> ways, List<Map<String, Long>> bytes)
      throws IOException {
    BarChart chart = new BarChart("Memory of a training run", "", "MiB", ways);
    Color[] colours = Palette.series();
    for (int i = 0; i < KINDS.size(); i++) {
      String kind = KINDS.get(i);
      List<Double> heights =
          bytes.stream().map(b -> Units.mebibytes(b.getOrDefault(kind, 0L))).toList();
      chart.part(kind, heights, colours[i]);
    }
    chart.part("the rest", bytes.stream().map(PrecisionPictures::rest).toList(), Palette.QUIET);
    chart.write(file);
  }

  private static double rest(Map<String, Long> bytes) {
    Set<String> others = new TreeSet<>(bytes.keySet());
    KINDS.forEach(others::remove);
    return Units.mebibytes(others.stream().mapToLong(kind -> bytes.getOrDefault(kind, 0L)).sum());
  }
}

package org.freetransformer.plots;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.PlanLettersEntropy;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.run.MetricsFile;
import org.freetransformer.run.RunFolder;
import org.freetransformer.train.RunConfig;

/** The pictures of one run: its curves, and how much each plan bit carries. */
public final class RunPictures {
  private static final double ROOM_ABOVE = 4;

  private final RunFolder folder;
  private final RunConfig config;
  private final List<JsonNode> metrics;
  private final List<JsonNode> evaluations;

  private RunPictures(RunFolder folder, RunConfig config) throws IOException {
    this.folder = folder;
    this.config = config;
    this.metrics = lines(folder.metrics());
    this.evaluations = lines(folder.evaluations());
  }

  private static List<JsonNode> lines(Path file) throws IOException {
    return Files.exists(file) ? MetricsFile.read(file) : List.of();
  }

  /** Draws all of them into the run's {@code plots}; none if the run has no metrics yet. */
  public static void draw(RunFolder folder, RunConfig config) throws IOException {
    RunPictures pictures = new RunPictures(folder, config);
    if (!pictures.metrics.isEmpty()) {
      pictures.curves(folder.plots().resolve("training.png"));
      if (pictures.hasPlan()) {
        pictures.bits(folder.plots().resolve("kl-per-bit.png"));
      }
    }
  }

  private boolean hasPlan() {
    return config.model().kind() == ModelConfig.Kind.FREE;
  }

  private void curves(Path file) throws IOException {
    LineChart chart =
        new LineChart(
            "Training: " + folder.path().getFileName(), "optimizer step", "nats per token");
    Curve reconstruction = curve(metrics, "cross-entropy", "reconstruction");
    if (hasPlan()) {
      Curve kl = curve(metrics, "KL", "kl");
      List<Double> bound = new ArrayList<>();
      for (int i = 0; i < kl.y().size(); i++) {
        bound.add(reconstruction.y().get(i) + kl.y().get(i));
      }
      chart.add(new Curve("bound", kl.x(), bound));
      chart.add(new Curve("reconstruction", kl.x(), reconstruction.y())).add(kl);
      chart.add(new Level("free bits κ", config.training().kappaFreeBits()));
    } else {
      chart.add(reconstruction);
    }
    if (!evaluations.isEmpty()) {
      chart.add(curve(evaluations, hasPlan() ? "bound, held out" : "held out", "nll_bound"));
    }
    if (config.data().source() == DataConfig.Source.PLAN_LETTERS) {
      chart.add(new Level("source entropy", PlanLettersEntropy.perCharacter()));
    }
    double[] known =
        reconstruction.y().stream().mapToDouble(y -> y).filter(y -> !Double.isNaN(y)).toArray();
    if (known.length > 0) {
      double highest = Arrays.stream(known).max().getAsDouble();
      chart.upTo(Math.min(highest, ROOM_ABOVE * known[known.length - 1]));
    }
    chart.write(file);
  }

  private static Curve curve(List<JsonNode> lines, String name, String key) {
    List<Double> steps = new ArrayList<>();
    List<Double> values = new ArrayList<>();
    for (JsonNode line : lines) {
      steps.add(line.path("step").asDouble());
      values.add(MetricsFile.number(line, key));
    }
    return new Curve(name, steps, values);
  }

  private void bits(Path file) throws IOException {
    List<String> names = new ArrayList<>();
    List<Double> heights = new ArrayList<>();
    for (JsonNode bit : metrics.getLast().path("kl_per_bit")) {
      names.add(String.valueOf(names.size()));
      heights.add(bit.isNumber() ? bit.doubleValue() : Double.NaN);
    }
    new BarChart("What each plan bit carries", "plan bit", "KL, nats per token", names)
        .part("KL", heights, Palette.BLUE)
        .write(file);
  }
}

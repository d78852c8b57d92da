package org.freetransformer.compare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.freetransformer.plots.Curve;
import org.freetransformer.plots.DotPlot;
import org.freetransformer.plots.Drawing;
import org.freetransformer.plots.LineChart;
import org.freetransformer.run.OutputFiles;
import org.jspecify.annotations.Nullable;

/** What came of a comparison, and the files that tell it. */
public final class ComparisonResult {
  private static final String PICTURE = "compare.png";
  private static final String CURVES = "compare-training.png";

  private final List<ModelResult> models;
  private final List<HeldOutCurve> curves;

  ComparisonResult(List<ModelResult> models, List<HeldOutCurve> curves) {
    this.models = List.copyOf(models);
    this.curves = List.copyOf(curves);
  }

  /** What the numbers say, a sentence each. */
  public List<String> findings() {
    return ComparisonFindings.of(models);
  }

  /** The table as plain text. */
  public String table() {
    return ComparisonTable.text(models);
  }

  /**
   * What {@code results.json} says.
   *
   * @param config the Free Transformer's, as resolved
   * @param environment where and how it was made
   */
  public Map<String, @Nullable Object> toMap(
      Map<String, Object> config, Map<String, Object> environment) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("models", models.stream().map(ModelResult::toMap).toList());
    map.put("findings", findings());
    map.put("config", config);
    map.put("environment", environment);
    return map;
  }

  /** Writes {@code results.md}, and the pictures where Java can draw. */
  public void write(Path folder, Consumer<String> warnings) throws IOException {
    OutputFiles.write(folder.resolve("results.md"), markdown());
    Drawing.attempt(() -> draw(folder), warnings);
  }

  private String markdown() {
    return "%s%n%s%n![Held-out text](%s)%n%n![During training](%s)%n"
        .formatted(
            ComparisonTable.markdown(models),
            String.join("\n\n", findings()) + "\n",
            PICTURE,
            CURVES);
  }

  private void draw(Path folder) throws IOException {
    int seeds = models.getFirst().seeds().size();
    List<DotPlot.Row> rows = new ArrayList<>();
    for (ModelResult model : models) {
      rows.add(
          new DotPlot.Row(
              model.contender().label() + (model.hasPlan() ? ", bound" : ""),
              model.values("nll_bound")));
      if (model.hasPlan()) {
        int samples = model.seeds().getFirst().settings().samples();
        rows.add(
            new DotPlot.Row(
                "%s, bound by %d plans".formatted(model.contender().label(), samples),
                model.values("nll_iw")));
        rows.add(
            new DotPlot.Row(model.contender().label() + ", prior plan", model.values("prior_ce")));
      }
    }
    new DotPlot("Held-out text, %d seeds: lower is better".formatted(seeds), "nats per token", rows)
        .write(folder.resolve(PICTURE));
    if (curves.stream().noneMatch(curve -> curve.steps().isEmpty())) {
      LineChart chart =
          new LineChart(
              "Held-out text during training, mean of %d seeds".formatted(seeds),
              "optimizer step",
              "bound, nats per token");
      curves.forEach(curve -> chart.add(new Curve(curve.name(), curve.steps(), curve.bounds())));
      chart.write(folder.resolve(CURVES));
    }
  }
}

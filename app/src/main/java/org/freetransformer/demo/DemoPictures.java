package org.freetransformer.demo;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.data.PlanLettersEntropy;
import org.freetransformer.plots.BoundPicture;
import org.freetransformer.plots.PlanPicture;

/** The pictures of the demonstration. */
final class DemoPictures {
  /** File name of the samples' picture. */
  static final String PLANS = "plans.png";

  /** File name of the picture of bounds. */
  static final String BOUNDS = "bounds.png";

  private DemoPictures() {}

  static void draw(List<RegimeResult> results, Path folder) throws IOException {
    List<PlanPicture.Panel> panels = new ArrayList<>();
    for (RegimeResult result : results) {
      SampleStudy study = result.study();
      panels.add(new PlanPicture.Panel(result.regime().label(), study.fresh(), study.shared()));
    }
    String title = "Samples for the prompt " + SampleStudy.LETTER + ">";
    new PlanPicture(title, SampleStudy.LETTER, panels).write(folder.resolve(PLANS));
    bounds(results).write(folder.resolve(BOUNDS));
  }

  private static BoundPicture bounds(List<RegimeResult> results) {
    List<BoundPicture.Bar> bars = new ArrayList<>();
    for (RegimeResult result : results) {
      bars.add(
          new BoundPicture.Bar(
              result.regime().label(),
              result.evaluation().reconstruction(),
              result.evaluation().kl()));
    }
    return new BoundPicture(
        "Reconstruction + KL = bound, on held-out sequences",
        "nats per character",
        bars,
        PlanLettersEntropy.perCharacter());
  }
}

package org.freetransformer.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.model.ModelConfig;
import org.junit.jupiter.api.Test;

class ComparisonFindingsTest {
  private static ModelResult model(Contender contender, double... bounds) {
    ModelConfig model =
        ModelConfig.builder()
            .kind(contender == Contender.FREE ? ModelConfig.Kind.FREE : ModelConfig.Kind.BASELINE)
            .numLayers(contender == Contender.DEEPER ? 5 : 4)
            .build();
    List<SeedResult> seeds =
        Arrays.stream(bounds)
            .mapToObj(bound -> {
              Map<String, Object> evaluation = new LinkedHashMap<>();
              evaluation.put("nll_bound", bound + (contender == Contender.FREE ? 0.1 : 0));
              evaluation.put("nll_iw", bound);
              evaluation.put("nll_tightest", bound);
              evaluation.put("prior_ce", bound + 0.2);
              evaluation.put("reconstruction", 0.001);
              evaluation.put("kl", bound);
              return SeedResult.of(1, 10, 20, new EvaluationSettings(5, 8), evaluation);
            })
            .toList();
    return new ModelResult(contender, model, seeds);
  }

  private static List<String> findings(double[] free, double[] baseline, double[] deeper) {
    return ComparisonFindings.of(
        List.of(
            model(Contender.FREE, free),
            model(Contender.BASELINE, baseline),
            model(Contender.DEEPER, deeper)));
  }

  private static double[] seeds(double... bounds) {
    return bounds;
  }

  @Test
  void saysBetterWorseOrNotSettledByTheRanges() {
    List<String> found = findings(seeds(1.0, 1.2), seeds(1.3, 1.5), seeds(0.8, 0.9));
    assertThat(found.get(0))
        .contains(
            "1.1000 (1.0000 to 1.2000)",
            "0.3000 nats (21.4 %) better",
            "each of its 2 seeds is better");
    assertThat(found.get(1)).contains("0.2500 nats (29.4 %) worse", "each of its 2 seeds is worse");
    assertThat(findings(seeds(1.0, 1.2), seeds(1.1, 1.3), seeds(1, 2)).get(0))
        .contains("better", "overlap: the difference is not settled");
    assertThat(findings(seeds(1.0), seeds(2.0), seeds(2.0)).get(0))
        .contains("one seed proves nothing");
  }

  /** However low, it changes no verdict. */
  @Test
  void theReconstructionIsComparedWithNothing() {
    List<String> found = findings(seeds(1.4, 1.5), seeds(1.2, 1.3), seeds(1.2, 1.3));
    assertThat(found.subList(0, 2)).allMatch(sentence -> sentence.contains("worse"));
    assertThat(found.get(2)).contains("reconstruction 0.0010", "compared with nothing");
    assertThat(found.get(3)).contains("saves the decoder 1.6490", "the plan is read");
    assertThat(found.get(4)).contains("Parameters: ", "with one more layer");
  }
}

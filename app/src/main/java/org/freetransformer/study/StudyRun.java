package org.freetransformer.study;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.eval.PlanStatistics;

/**
 * One run of the study, measured on held-out sequences; all but the share in nats per position.
 *
 * @param remedy what was tried
 * @param kappa free bits
 * @param seed of the run
 * @param kl divergence of the plans from their prior
 * @param bound upper bound of the negative log-likelihood
 * @param entropyUsed share of the plan's entropy that tells of the text
 * @param position what plans tell of their position whatever the text
 * @param text what plans tell of their text
 */
public record StudyRun(
    Remedy remedy,
    double kappa,
    long seed,
    double kl,
    double bound,
    double entropyUsed,
    double position,
    double text) {

  static StudyRun of(Remedy remedy, double kappa, long seed, Evaluation evaluation) {
    PlanStatistics plans = Objects.requireNonNull(evaluation.plans());
    return new StudyRun(
        remedy,
        kappa,
        seed,
        evaluation.kl(),
        evaluation.nllBound(),
        plans.entropyUsed(),
        plans.positionInformation(),
        plans.textInformation());
  }

  static StudyRun read(JsonNode line) {
    return new StudyRun(
        Remedy.valueOf(line.path("remedy").asText()),
        line.path("kappa").asDouble(),
        line.path("seed").asLong(),
        line.path("kl").asDouble(),
        line.path("nll_bound").asDouble(),
        line.path("plan_entropy_used").asDouble(),
        line.path("mi_position").asDouble(),
        line.path("mi_text").asDouble());
  }

  /** Its line in the file of runs. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("remedy", remedy.name());
    map.put("kappa", kappa);
    map.put("seed", seed);
    map.put("kl", kl);
    map.put("nll_bound", bound);
    map.put("plan_entropy_used", entropyUsed);
    map.put("mi_position", position);
    map.put("mi_text", text);
    return map;
  }

  /** Whether the plan says next to nothing of its text. */
  public boolean isCollapsed() {
    return text < PlanStatistics.COLLAPSED * kappa;
  }
}

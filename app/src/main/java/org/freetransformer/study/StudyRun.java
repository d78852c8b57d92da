package org.freetransformer.study;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.freetransformer.config.ConfigException;
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
  /** As the first versions wrote what JSON has no word for. */
  private static final Set<String> NOT_FINITE = Set.of("NaN", "Infinity", "-Infinity");

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

  /**
   * Reads what {@link #toMap} wrote.
   *
   * @throws ConfigException if it is something else
   */
  static StudyRun read(JsonNode line) {
    return new StudyRun(
        remedy(line.path("remedy").asText()),
        number(line, "kappa"),
        (long) number(line, "seed"),
        number(line, "kl"),
        number(line, "nll_bound"),
        number(line, "plan_entropy_used"),
        number(line, "mi_position"),
        number(line, "mi_text"));
  }

  private static Remedy remedy(String name) {
    return Arrays.stream(Remedy.values())
        .filter(remedy -> remedy.name().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new ConfigException(
                "",
                "is not a run of this study, whose remedy is one of %s; name another --out"
                    .formatted(Arrays.toString(Remedy.values()))));
  }

  private static double number(JsonNode line, String key) {
    JsonNode value = line.path(key);
    if (value.isNull()) { // JSON has no word for NaN, the bound of a run that diverged.
      return Double.NaN;
    }
    if (!value.isNumber() && !NOT_FINITE.contains(value.asText())) {
      throw new ConfigException(
          key, "is missing or no number, so this is not a run of this study; name another --out");
    }
    return value.isNumber() ? value.doubleValue() : Double.parseDouble(value.asText());
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

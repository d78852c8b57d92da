package org.freetransformer.run;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.eval.PlanStatistics;
import org.jspecify.annotations.Nullable;

/** Evaluations under the names that the command line's JSON gives them. */
public final class Reports {
  private Reports() {}

  /**
   * Per token in nats: {@code reconstruction, kl, nll_bound, nll_iw, prior_ce, kl_per_bit} of a
   * model with a plan, and how it uses its bits; {@code nll} of one without. Bounds are null where
   * plans were not drawn, for then there are none.
   */
  public static Map<String, @Nullable Object> of(Evaluation evaluation) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("tokens", evaluation.tokens());
    if (evaluation.hasPlan()) {
      boolean drawn = evaluation.hasBound();
      map.put("samples", evaluation.samples());
      map.put("deterministic", !drawn);
      map.put("reconstruction", evaluation.reconstruction());
      map.put("kl", evaluation.kl());
      map.put("nll_bound", drawn ? evaluation.nllBound() : null);
      map.put("nll_iw", drawn ? evaluation.weightedBound() : null);
      map.put("perplexity", drawn ? evaluation.perplexityBound() : null);
      map.put("prior_ce", evaluation.priorCrossEntropy());
      map.put("nll_tightest", evaluation.tightestBound());
      map.put("kl_per_bit", Arrays.stream(evaluation.klPerBit()).boxed().toList());
      if (evaluation.plans() != null) {
        map.putAll(of(evaluation.plans()));
      }
    } else {
      map.put("nll", evaluation.nllBound());
      map.put("nll_bound", evaluation.nllBound());
      map.put("perplexity", evaluation.perplexityBound());
    }
    return map;
  }

  /**
   * {@code plan_entropy_used}, a share, and {@code bits[]: {entropy, kl, mi_position, mi_token,
   * mi_text}}, in nats.
   */
  public static Map<String, Object> of(PlanStatistics plans) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("plan_entropy_used", plans.entropyUsed());
    map.put("bits", plans.bits().stream().map(Reports::of).toList());
    return map;
  }

  static Map<String, Object> of(PlanStatistics.Bit bit) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("entropy", bit.entropy());
    map.put("kl", bit.kl());
    map.put("mi_position", bit.positionInformation());
    map.put("mi_token", bit.tokenInformation());
    map.put("mi_text", bit.textInformation());
    return map;
  }
}

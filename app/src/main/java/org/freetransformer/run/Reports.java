package org.freetransformer.run;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.eval.Evaluation;

/** Evaluations under the names that the command line's JSON gives them. */
public final class Reports {
  private Reports() {}

  /**
   * Per token in nats: {@code reconstruction, kl, nll_bound, prior_ce, kl_per_bit} of a model with
   * a plan, {@code nll} of one without.
   */
  public static Map<String, Object> of(Evaluation evaluation) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("tokens", evaluation.tokens());
    if (evaluation.hasPlan()) {
      map.put("reconstruction", evaluation.reconstruction());
      map.put("kl", evaluation.kl());
      map.put("nll_bound", evaluation.nllBound());
      map.put("prior_ce", evaluation.priorCrossEntropy());
      map.put("kl_per_bit", Arrays.stream(evaluation.klPerBit()).boxed().toList());
    } else {
      map.put("nll", evaluation.reconstruction());
      map.put("nll_bound", evaluation.nllBound());
    }
    return map;
  }
}

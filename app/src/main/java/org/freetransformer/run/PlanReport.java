package org.freetransformer.run;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.eval.PlanAnalysis;
import org.freetransformer.eval.PlanProbe;
import org.freetransformer.eval.PlanStatistics;
import org.freetransformer.eval.PlanSteering;
import org.jspecify.annotations.Nullable;

/** What plans mean, under the names of the command line's JSON, and as a table. */
public final class PlanReport {
  private PlanReport() {}

  /**
   * {@code positions, plan_entropy_used, bits[]: {entropy, kl, mi_position, mi_token, mi_text,
   * probe{majority, position, token}, steering{kl, total_variation, kl_once, total_variation_once,
   * kl_after}}}; informations in nats, probes as shares guessed right on texts that no guess was
   * learned from, NaN where there is none, which is null in JSON.
   */
  public static Map<String, Object> of(PlanAnalysis.Result result) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("positions", result.statistics().positions());
    map.put("plan_entropy_used", result.statistics().entropyUsed());
    List<Map<String, @Nullable Object>> bits = new ArrayList<>();
    List<PlanProbe.Accuracy> accuracies = result.probe().accuracies();
    for (int h = 0; h < accuracies.size(); h++) {
      Map<String, @Nullable Object> bit =
          new LinkedHashMap<>(Reports.of(result.statistics().bits().get(h)));
      bit.put("probe", probe(accuracies.get(h)));
      bit.put("steering", steering(result.effects().get(h)));
      bits.add(bit);
    }
    map.put("bits", bits);
    return map;
  }

  private static Map<String, Object> probe(PlanProbe.Accuracy accuracy) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("majority", accuracy.majority());
    map.put("position", accuracy.position());
    map.put("token", accuracy.token());
    return map;
  }

  private static Map<String, Object> steering(PlanSteering.Effect effect) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("kl", effect.everywhere().kl());
    map.put("total_variation", effect.everywhere().totalVariation());
    map.put("kl_once", effect.once().kl());
    map.put("total_variation_once", effect.once().totalVariation());
    map.put("kl_after", effect.klAfter());
    return map;
  }

  /** The same as a table, a line for each bit. */
  public static String text(PlanAnalysis.Result result) {
    StringBuilder text = new StringBuilder();
    text.append(
        "%,d plans; %.1f %% of their entropy says something of the text%n%n"
            .formatted(result.statistics().positions(), 100 * result.statistics().entropyUsed()));
    text.append(
        """
             ----------------- nats ------------------   --- guessed right ---   ---- flipped: moves by ----
        bit  entropy      KL    text  position   token   common  position  token   everywhere   there  after
        """);
    List<PlanProbe.Accuracy> accuracies = result.probe().accuracies();
    for (int h = 0; h < accuracies.size(); h++) {
      PlanStatistics.Bit bit = result.statistics().bits().get(h);
      PlanProbe.Accuracy guess = accuracies.get(h);
      PlanSteering.Effect effect = result.effects().get(h);
      text.append(
          "%3d  %7.4f %7.4f %7.4f   %7.4f %7.4f   %4.0f %%    %4.0f %% %4.0f %%       %.4f  %.4f %6.3f%n"
              .formatted(
                  h,
                  bit.entropy(),
                  bit.kl(),
                  bit.textInformation(),
                  bit.positionInformation(),
                  bit.tokenInformation(),
                  100 * guess.majority(),
                  100 * guess.position(),
                  100 * guess.token(),
                  effect.everywhere().totalVariation(),
                  effect.once().totalVariation(),
                  effect.klAfter()));
    }
    return text.append(
            """

            Guessed right: by a majority learned on other texts. Moves: total variation of the next token's
            distribution, 0 to 1, where the bit is flipped; after: KL in nats over all later positions.
            """)
        .toString();
  }
}

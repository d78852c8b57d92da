package org.freetransformer.compare;

import java.util.ArrayList;
import java.util.List;

/**
 * What a comparison's numbers say. Only what bounds −log p of the text is compared, never the
 * reconstruction, which has seen the text.
 */
final class ComparisonFindings {
  private static final double PERCENT = 100;

  /** A plan that gives back less than this share of its KL is not read. */
  private static final double UNUSED = 0.25;

  private ComparisonFindings() {}

  static List<String> of(List<ModelResult> models) {
    ModelResult free = model(models, Contender.FREE);
    List<String> sentences = new ArrayList<>();
    for (Contender other : List.of(Contender.BASELINE, Contender.DEEPER)) {
      sentences.add(verdict(free, model(models, other)));
    }
    sentences.add(howTight(free));
    sentences.add(use(free));
    sentences.add(parameters(models));
    return sentences;
  }

  private static ModelResult model(List<ModelResult> models, Contender contender) {
    return models.stream()
        .filter(model -> model.contender() == contender)
        .findFirst()
        .orElseThrow();
  }

  private static String verdict(ModelResult free, ModelResult baseline) {
    Range bound = free.range("nll_tightest");
    Range nll = baseline.bound();
    double difference = bound.mean() - nll.mean();
    String against =
        "against the %s: %s nats per token, %s"
            .formatted(
                baseline.contender().label(),
                nll.text(),
                "%.4f nats (%.1f %%) %s"
                    .formatted(
                        Math.abs(difference),
                        Math.abs(difference) / nll.mean() * PERCENT,
                        difference < 0 ? "better" : "worse"));
    return "The Free Transformer's tightest bound is %s %s; %s."
        .formatted(bound.text(), against, certainty(free, bound, nll));
  }

  private static String certainty(ModelResult free, Range bound, Range nll) {
    int seeds = free.seeds().size();
    if (seeds == 1) {
      return "one seed proves nothing";
    }
    if (bound.isBelow(nll)) {
      return "each of its %d seeds is better than each of the other's".formatted(seeds);
    }
    return nll.isBelow(bound)
        ? "each of its %d seeds is worse than each of the other's".formatted(seeds)
        : "the seeds' ranges overlap: the difference is not settled";
  }

  private static String howTight(ModelResult free) {
    int samples = free.seeds().getFirst().settings().samples();
    return "Its bounds: reconstruction %.4f + KL %.4f = %.4f; by %d plans a text %.4f; under one plan from the prior %.4f. Each may lie above the model's true likelihood, so that a bound that is worse does not prove the model worse. The reconstruction has seen the text and is compared with nothing."
        .formatted(
            free.range("reconstruction").mean(),
            free.range("kl").mean(),
            free.bound().mean(),
            samples,
            free.range("nll_iw").mean(),
            free.range("prior_ce").mean());
  }

  /** Whether the decoder reads its plan at all: nats that an inferred plan saves it. */
  private static String use(ModelResult free) {
    double saved = free.range("prior_ce").mean() - free.range("reconstruction").mean();
    double kl = free.range("kl").mean();
    return "An inferred plan saves the decoder %.4f nats per token against a drawn one, for a KL of %.4f: %s."
        .formatted(
            saved,
            kl,
            saved < UNUSED * kl
                ? "the KL is spent, the plan hardly read (posterior collapse)"
                : "the plan is read");
  }

  private static String parameters(List<ModelResult> models) {
    long free = model(models, Contender.FREE).model().parameterCount();
    long plain = model(models, Contender.BASELINE).model().parameterCount();
    long deeper = model(models, Contender.DEEPER).model().parameterCount();
    return "Parameters: %,d with the plan, %,d without (%+.1f %%), %,d with one more layer (%+.1f %%)."
        .formatted(
            free,
            plain,
            PERCENT * ((double) plain / free - 1),
            deeper,
            PERCENT * ((double) deeper / free - 1));
  }
}

package org.freetransformer.cli;

import java.util.OptionalDouble;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.model.ModelConfig;

/** An evaluation in words, which keep apart what can be compared and what cannot. */
final class EvaluationText {
  private EvaluationText() {}

  /** What an evaluation under way draws for a text. */
  static String plansEach(ModelConfig.Kind kind, int samples) {
    if (kind == ModelConfig.Kind.BASELINE) {
      return "no plan";
    }
    return samples == 1 ? "1 plan each" : samples + " plans each";
  }

  static String of(Evaluation evaluation) {
    return of(evaluation, OptionalDouble.empty());
  }

  /** The same with its bound in bits per byte of text, where tokens stand for text. */
  static String of(Evaluation evaluation, OptionalDouble bitsPerByte) {
    String perByte =
        bitsPerByte.isPresent() ? ", %.4f bits per byte".formatted(bitsPerByte.getAsDouble()) : "";
    if (!evaluation.hasPlan()) {
      return "negative log-likelihood %.4f nats per token, perplexity %.4f%s%n"
          .formatted(evaluation.nllBound(), evaluation.perplexityBound(), perByte);
    }
    return evaluation.hasBound() ? bounds(evaluation, perByte) : likeliest(evaluation);
  }

  private static String bounds(Evaluation evaluation, String perByte) {
    return """
    bound %.4f nats per token, perplexity at most %.4f%s: compare this with a baseline
      = reconstruction %.4f, which has seen the text through the plan, + KL %.4f
    tighter bound %.4f, importance-weighted with %d plans a text: compare this too
    cross-entropy under one plan from the prior %.4f: a bound as well, tight where plans do nothing
    """
        .formatted(
            evaluation.nllBound(),
            evaluation.perplexityBound(),
            perByte,
            evaluation.reconstruction(),
            evaluation.kl(),
            evaluation.weightedBound(),
            evaluation.samples(),
            evaluation.priorCrossEntropy());
  }

  private static String likeliest(Evaluation evaluation) {
    return """
    reconstruction %.4f nats per token under the likeliest plan, which has seen the text; KL %.4f
    no bound: it needs plans that are drawn, so neither can be compared with a baseline
    cross-entropy under one plan from the prior %.4f: a bound, tight where plans do nothing
    """
        .formatted(evaluation.reconstruction(), evaluation.kl(), evaluation.priorCrossEntropy());
  }
}

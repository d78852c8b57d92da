package org.freetransformer.cli;

import org.freetransformer.eval.Evaluation;

/** An evaluation in words, which keep apart what can be compared and what cannot. */
final class EvaluationText {
  private EvaluationText() {}

  static String of(Evaluation evaluation) {
    if (!evaluation.hasPlan()) {
      return "negative log-likelihood %.4f nats per token, perplexity %.4f%n"
          .formatted(evaluation.nllBound(), evaluation.perplexityBound());
    }
    return """
    bound %.4f nats per token, perplexity at most %.4f: compare this with a baseline
      = reconstruction %.4f, which has seen the text through the plan, + KL %.4f
    cross-entropy under one plan from the prior: %.4f
    """
        .formatted(
            evaluation.nllBound(),
            evaluation.perplexityBound(),
            evaluation.reconstruction(),
            evaluation.kl(),
            evaluation.priorCrossEntropy());
  }
}

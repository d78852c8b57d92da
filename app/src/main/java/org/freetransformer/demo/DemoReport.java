package org.freetransformer.demo;

import java.util.List;
import java.util.Map;
import org.freetransformer.data.PlanLetters;
import org.freetransformer.data.PlanLettersEntropy;
import org.freetransformer.run.Environment;

/** The results as a Markdown document, so that it can be made again by one command. */
final class DemoReport {
  private static final int PERCENT = 100;

  private DemoReport() {}

  /**
   * The document.
   *
   * @param environment as in {@code environment.json}
   * @param pictures file names of the pictures beside the document; none if none could be drawn
   */
  static String of(
      List<RegimeResult> results,
      List<String> findings,
      Map<String, Object> environment,
      List<String> pictures) {
    StringBuilder text = new StringBuilder();
    text.append("# Plan-letters: what the plan carries as free bits grow\n\n");
    text.append(
        """
        The paper's synthetic task (arXiv 2510.17558, section 4.1 and Figure 4): a run of eight equal
        letters somewhere in 64 characters, under noise. Made by one command, from which every number
        here comes:

            %s

        On %s, %s processors, Java %s; device %s.

        """
            .formatted(
                Environment.command(environment),
                environment.get("cpu"),
                environment.get("processors"),
                environment.get("java"),
                environment.get("device")));
    findings.forEach(sentence -> text.append(sentence).append('\n'));
    text.append('\n');
    table(text, results);
    distance(text, results);
    pictures.forEach(picture -> text.append("![%s](%s)\n\n".formatted(picture, picture)));
    text.append("## Samples for the prompt `%s>`\n\n".formatted(SampleStudy.LETTER));
    results.forEach(result -> text.append("```\n").append(SideBySide.of(result)).append("```\n\n"));
    return text.toString().stripTrailing() + "\n";
  }

  private static void table(StringBuilder text, List<RegimeResult> results) {
    text.append(
        """
        | model | parameters | steps | minutes | reconstruction | KL | bound | near, a plan each | near, shared plan | spread, a plan each | spread, shared plan | noise, a plan each | noise, shared plan | possible |
        |---|---|---|---|---|---|---|---|---|---|---|---|---|---|
        """);
    for (RegimeResult result : results) {
      SampleStudy study = result.study();
      SampleStudy.Agreement fresh = study.freshAgreement();
      SampleStudy.Agreement shared = study.sharedAgreement();
      text.append(
          "| %s | %,d | %,d | %.1f | %.4f | %.4f | %.4f | %s | %s | %s | %s | %s | %s | %.0f %% |%n"
              .formatted(
                  result.regime().label(),
                  result.parameters(),
                  result.steps(),
                  result.seconds() / 60,
                  result.evaluation().reconstruction(),
                  result.evaluation().kl(),
                  result.evaluation().nllBound(),
                  known("%.0f %%", PERCENT * fresh.near()),
                  known("%.0f %%", PERCENT * shared.near()),
                  known("±%.1f", fresh.spread()),
                  known("±%.1f", shared.spread()),
                  known("%.2f", fresh.noise()),
                  known("%.2f", shared.noise()),
                  PERCENT * study.possible()));
    }
    text.append(
        """

        Nats per character on held-out sequences. Reconstruction has seen the text through the plan: only
        the bound compares with the baseline. Sixteen samples at a time are compared, with a plan each or of
        one shared plan. *Near*: share of the runs that start within %d places of the median of their
        sixteen. *Spread*: mean distance from it, in places. *Noise*: of the `!` in one sample, the share
        that another has at the same place; 0.06 by chance. *Possible*: share of texts written to drawn
        plans that the task could have made.

        At place t the decoder has seen only t plans, each of which tells about κ nats. To know which of
        %d places is meant takes ln %d = %.2f nats, with κ = ln2/8 some %d plans, so whatever the plan,
        runs that begin early are partly left to chance. The model with κ = ln2 begins with 8·ln2, which
        comes down over two thirds of its steps (docs/training/guide.md).

        """
            .formatted(
                SampleStudy.NEAR,
                PlanLetters.STARTS,
                PlanLetters.STARTS,
                Math.log(PlanLetters.STARTS),
                Math.round(Math.log(PlanLetters.STARTS) / Regime.SMALL.kappa())));
  }

  private static String known(String format, double value) {
    return Double.isNaN(value) ? "–" : format.formatted(value);
  }

  private static void distance(StringBuilder text, List<RegimeResult> results) {
    double entropy = PlanLettersEntropy.perCharacter();
    text.append(
        "The source's entropy, the prompt given, is %.5f nats per character".formatted(entropy));
    results.stream()
        .filter(result -> !result.regime().hasPlan())
        .findFirst()
        .ifPresent(baseline ->
            text.append(
                "; the baseline is %.1f %% above it"
                    .formatted(PERCENT * (baseline.evaluation().nllBound() / entropy - 1))));
    text.append(".\n\n");
  }
}

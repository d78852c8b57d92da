package org.freetransformer.study;

import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.freetransformer.data.PlanLettersEntropy;
import org.freetransformer.run.Environment;

/** The study as a Markdown document, so that it can be made again by one command. */
public final class CollapseReport {
  private static final int PERCENT = 100;

  private CollapseReport() {}

  /** The tables, one for each allowance of free bits. */
  public static String tables(List<StudyRun> runs) {
    StringBuilder text = new StringBuilder();
    for (double kappa : CollapseStudy.KAPPAS) {
      text.append("## κ = %s bit per token (%.4f nats)\n\n".formatted(kappa / Math.log(2), kappa));
      text.append(
          """
          | recipe | runs | collapsed | KL | bound, mean | bound, range | plan entropy used | tells of its text | tells of its position | bound under plain's |
          |---|---|---|---|---|---|---|---|---|---|
          """);
      for (Remedy remedy : Remedy.values()) {
        List<StudyRun> of = select(runs, remedy, kappa);
        if (!of.isEmpty()) {
          text.append(row(remedy, of, select(runs, Remedy.PLAIN, kappa)));
        }
      }
      text.append('\n');
    }
    return text.toString().stripTrailing() + "\n";
  }

  /**
   * The whole document.
   *
   * @param environment as in {@code environment.json}
   */
  public static String of(List<StudyRun> runs, Map<String, Object> environment) {
    return """
    # Collapse: which remedies help

    Plan-letters, a model of two layers (`configs/collapse-study.yaml`), every recipe with the same seeds.
    Made by one command, from which every number in the tables comes:

        %s

    On %s, %s processors, Java %s; device %s.

    Nats per position, the bound per character, on held-out sequences. A run counts as *collapsed* if its
    plans tell less of their text than a tenth of κ. What plans tell is the sum over their bits, each taken
    by itself. The last column counts the seeds whose bound is lower than the plain recipe's with the same
    seed. No bound can be under the source's entropy, %.5f; free bits are always spent, so that a plan which
    is used as well as can be costs no more than that, and one which is of no use costs its KL on top.

    %s\
    """
        .formatted(
            Environment.command(environment),
            environment.get("cpu"),
            environment.get("processors"),
            environment.get("java"),
            environment.get("device"),
            PlanLettersEntropy.perCharacter(),
            tables(runs));
  }

  private static List<StudyRun> select(List<StudyRun> runs, Remedy remedy, double kappa) {
    return runs.stream().filter(run -> run.remedy() == remedy && run.kappa() == kappa).toList();
  }

  private static String row(Remedy remedy, List<StudyRun> runs, List<StudyRun> plain) {
    DoubleSummaryStatistics bound = runs.stream().mapToDouble(StudyRun::bound).summaryStatistics();
    long better =
        runs.stream()
            .filter(run ->
                plain.stream().anyMatch(p -> p.seed() == run.seed() && run.bound() < p.bound()))
            .count();
    return "| %s | %d | %d | %.4f | %.4f | %.4f to %.4f | %.2f %% | %.4f | %.4f | %s |\n"
        .formatted(
            remedy.label(),
            runs.size(),
            runs.stream().filter(StudyRun::isCollapsed).count(),
            mean(runs, StudyRun::kl),
            bound.getAverage(),
            bound.getMin(),
            bound.getMax(),
            PERCENT * mean(runs, StudyRun::entropyUsed),
            mean(runs, StudyRun::text),
            mean(runs, StudyRun::position),
            remedy == Remedy.PLAIN ? "–" : better + " of " + runs.size());
  }

  private static double mean(List<StudyRun> runs, ToDoubleFunction<StudyRun> value) {
    return runs.stream().mapToDouble(value).average().orElseThrow();
  }
}

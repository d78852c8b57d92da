package org.freetransformer.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.eval.PlanStatistics;
import org.freetransformer.train.CollapseRemedies.KappaSchedule;
import org.freetransformer.train.TrainingConfig;
import org.jspecify.annotations.Nullable;

/** Watches whether a run's plans are used, and says once what to try if they are not. */
final class CollapseWarning {
  /** Free bits, in nats, that are enough to judge by where a plan was given more. */
  private static final double USUAL_FREE_BITS = Math.log(2) / 8;

  /** Share of the run in which the plan may take its time. */
  private static final double SETTLED = 0.25;

  /** Share of the run for a warm-up or a schedule, as in docs/results/collapse.md. */
  private static final double SCHEDULED = 0.33;

  private final TrainingConfig training;
  private boolean warned;

  CollapseWarning(TrainingConfig training) {
    this.training = training;
  }

  /** A warning in one line, if this evaluation is the first that gives reason for one. */
  Optional<String> after(long step, Evaluation evaluation) {
    @Nullable PlanStatistics plans = evaluation.plans();
    boolean settled = step >= training.maxSteps() * SETTLED;
    if (plans == null || warned || !settled || !hasCollapsed(plans)) {
      return Optional.empty();
    }
    warned = true;
    return Optional.of(
        "step %d: the plan is hardly used, posterior collapse: it tells %.4f nats of the text per position, with a KL of %.4f and %.4f free bits; %s (docs/training/guide.md)"
            .formatted(
                step,
                plans.textInformation(),
                evaluation.kl(),
                training.kappaFreeBits(),
                advice()));
  }

  private boolean hasCollapsed(PlanStatistics plans) {
    double freeBits = Math.min(training.kappaFreeBits(), USUAL_FREE_BITS);
    return plans.textInformation() < PlanStatistics.COLLAPSED * freeBits;
  }

  /**
   * What the study did not find harmful, best first, as far as this run does without. A target KL
   * is not advised: there it was met by bits that are always the same, and told nothing.
   */
  private String advice() {
    int steps = (int) Math.max(1, SCHEDULED * training.maxSteps());
    List<String> remedies = new ArrayList<>();
    if (training.klWarmupSteps() == 0) {
      remedies.add("training.kl_warmup_steps=" + steps);
    }
    if (training.remedies().kappaSchedule() == KappaSchedule.CONSTANT) {
      remedies.add(
          "training.kappa_schedule=linear with training.kappa_schedule_steps=%d".formatted(steps));
    }
    if (training.remedies().targetKlWeight() > 0) {
      remedies.add("training.target_kl_weight=0");
    }
    remedies.add("another training.seed");
    return "try " + String.join(", then ", remedies);
  }
}

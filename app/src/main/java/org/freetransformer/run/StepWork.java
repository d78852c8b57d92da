package org.freetransformer.run;

import java.util.StringJoiner;
import org.freetransformer.train.TrainingStep;

/**
 * What an optimizer step computes, as its recorded programs tell it.
 *
 * @param flops useful floating-point operations
 * @param instructions how many there are, forward, backward and update
 * @param listing these, one a line
 */
public record StepWork(double flops, int instructions, String listing) {
  /** The sum over the parts of a step. */
  static StepWork of(TrainingStep step) {
    double flops = 0;
    int instructions = 0;
    StringJoiner listing = new StringJoiner("\n");
    for (TrainingStep.Part part : step.parts()) {
      flops += (double) part.runs() * part.program().cost().flops();
      instructions += part.program().instructions().size();
      listing.add(part.name() + "\n" + part.program().listing());
    }
    return new StepWork(flops, instructions, listing.toString());
  }
}

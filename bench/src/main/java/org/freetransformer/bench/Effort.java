package org.freetransformer.bench;

import org.freetransformer.bench.suite.Suite;

/**
 * How thoroughly one case is measured.
 *
 * @param forks JVMs that are started one after the other
 * @param warmups rounds of each that do not count
 * @param rounds of each that do
 * @param batchMillis least time of one side in a round
 */
record Effort(int forks, int warmups, int rounds, int batchMillis) {
  /** What a suite needs: a training step takes seconds, so fewer of them. */
  static Effort of(Suite suite, boolean quick) {
    boolean longCalls = suite.name().equals("step");
    if (quick) {
      return longCalls ? new Effort(1, 3, 3, 100) : new Effort(1, 12, 5, 40);
    }
    return longCalls ? new Effort(3, 4, 5, 200) : new Effort(3, 15, 10, 100);
  }
}

package org.freetransformer.bench;

import java.util.Set;
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
  private static final Set<String> MODELS = Set.of("step", "free", "shard", "decode", "jlama");

  /** What a suite needs: whole models have many kernels, and take long to reach their speed. */
  static Effort of(Suite suite, boolean quick) {
    if (suite.name().equals("gpu")) {
      // Compiled once, at the first run; then there is nothing to warm up but a peer.
      return quick ? new Effort(1, 2, 5, 100) : new Effort(1, 3, 8, 100);
    }
    boolean manyKernels = MODELS.contains(suite.name());
    if (quick) {
      return manyKernels ? new Effort(1, 12, 5, 150) : new Effort(1, 16, 5, 40);
    }
    return manyKernels ? new Effort(2, 12, 6, 150) : new Effort(2, 20, 6, 40);
  }
}

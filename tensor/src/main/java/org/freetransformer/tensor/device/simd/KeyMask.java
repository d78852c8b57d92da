package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Draws;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.jspecify.annotations.Nullable;

/** Which keys a query sees, and which of its weights dropout keeps. */
final class KeyMask {
  private final boolean causal;
  private final @Nullable MemorySegment lengths;
  private final @Nullable Draws draws;
  private final int[][] words;
  private final double rate;
  private final int queries;
  private final int keys;

  KeyMask(AttentionRule rule, int queries, int keys, int threads) {
    causal = rule.causal();
    Buffer keyLengths = rule.keyLengths();
    lengths = keyLengths == null ? null : Memory.of(keyLengths);
    Buffer rng = rule.rng();
    draws = rule.dropout() > 0 && rng != null ? new Draws(rng, rule.salt()) : null;
    words = new int[threads][Draws.BLOCK];
    rate = rule.dropout();
    this.queries = queries;
    this.keys = keys;
  }

  /** To be called when a run begins: random numbers move with the step. */
  void refresh() {
    if (draws != null) {
      draws.refresh();
    }
  }

  /**
   * How many keys, from the first on, query {@code t} of batch row {@code b} sees; grows with t.
   */
  int visible(int b, int t) {
    int length = lengths == null ? keys : Memory.intAt(lengths, b);
    int seen = causal ? Math.min(length, t + length - queries + 1) : length;
    return Math.clamp(seen, 0, keys);
  }

  boolean drops() {
    return draws != null;
  }

  /** What becomes of the weight of key {@code s}: a factor 0 or 1/(1 − rate). */
  float factor(long query, int s, int worker) {
    if (draws == null) {
      return 1;
    }
    float number = draws.uniform(query * keys + s, words[worker]);
    return number >= rate ? (float) (1 / (1 - rate)) : 0;
  }
}

package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.Draws;
import org.freetransformer.tensor.device.Instruction.AttentionRule;
import org.jspecify.annotations.Nullable;

/** Which keys a query sees, and which of its weights dropout keeps. */
final class AttentionMask {
  private final boolean causal;
  private final @Nullable Elements keyLengths;
  private final @Nullable Draws draws;
  private final int[] words = new int[Draws.BLOCK];
  private final double dropout;
  private final int queries;
  private final int keys;

  /** A mask for {@code queries} × {@code keys} scores. */
  AttentionMask(AttentionRule rule, int queries, int keys) {
    this.causal = rule.causal();
    this.keyLengths = rule.keyLengths() == null ? null : new Elements(rule.keyLengths());
    this.draws = rule.dropout() > 0 ? draws(rule) : null;
    this.dropout = rule.dropout();
    this.queries = queries;
    this.keys = keys;
  }

  private static Draws draws(AttentionRule rule) {
    if (rule.rng() == null) {
      throw new IllegalArgumentException(
          "attention dropout of %s needs a random state: rng is null".formatted(rule.dropout()));
    }
    return new Draws(rule.rng(), rule.salt());
  }

  /** To be called at the start of every run: random numbers move with the step. */
  void refresh() {
    if (draws != null) {
      draws.refresh();
    }
  }

  /** How many keys, from the first on, query {@code t} of batch row {@code b} sees. */
  int visible(int b, int t) {
    int length = keyLengths == null ? keys : keyLengths.getInt(b);
    int seen = causal ? Math.min(length, t + length - queries + 1) : length;
    return Math.clamp(seen, 0, keys);
  }

  /** What dropout makes of the weight of key {@code s}: a factor 0 or 1/(1 − rate). */
  double factor(long query, int s) {
    if (draws == null) {
      return 1;
    }
    return draws.uniform(query * keys + s, words) >= dropout ? 1 / (1 - dropout) : 0;
  }
}

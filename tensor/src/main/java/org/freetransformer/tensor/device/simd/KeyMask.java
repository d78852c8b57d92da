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
  private final int threshold;
  private final float kept;
  private final int queries;
  private final int keys;

  KeyMask(AttentionRule rule, int queries, int keys) {
    causal = rule.causal();
    Buffer keyLengths = rule.keyLengths();
    lengths = keyLengths == null ? null : Memory.of(keyLengths);
    Buffer rng = rule.rng();
    draws = rule.dropout() > 0 && rng != null ? new Draws(rng, rule.salt()) : null;
    threshold = RandomLoops.threshold(rule.dropout());
    kept = (float) (1 / (1 - rule.dropout()));
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

  /**
   * What becomes of the weights of some keys, from {@code key} on: factors 0 or 1/(1 − rate).
   *
   * @param words scratch of {@link RandomLoops#room} of the keys
   * @param stride distance of the factors in {@code to}
   */
  void factors(long query, int key, int count, int[] words, float[] to, int at, int stride) {
    if (draws == null) {
      return;
    }
    long first = query * keys + key;
    int ahead = (int) (first % Draws.BLOCK);
    RandomLoops.draw(draws, first, ahead + count, words);
    for (int i = 0; i < count; i++) {
      boolean drops = words[ahead + i] >>> Draws.UNUSED_BITS < threshold;
      to[at + i * stride] = drops ? 0 : kept;
    }
  }
}

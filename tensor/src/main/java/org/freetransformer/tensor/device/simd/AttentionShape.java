package org.freetransformer.tensor.device.simd;

import org.freetransformer.tensor.device.Buffer;

/**
 * The sizes of attention: of queries [B, T, Hq, Dh], and of keys and values [B, S, Hkv, Dh].
 *
 * @param batch B
 * @param queries T
 * @param keys S
 * @param heads Hq
 * @param keyHeads Hkv
 * @param size Dh
 */
record AttentionShape(int batch, int queries, int keys, int heads, int keyHeads, int size) {
  static AttentionShape of(Buffer q, Buffer k) {
    return new AttentionShape(q.dim(0), q.dim(1), k.dim(1), q.dim(2), k.dim(2), q.dim(3));
  }

  /** How many heads of queries read the same keys. */
  int group() {
    return keyHeads == 0 ? 0 : heads / keyHeads;
  }

  /** Which of all queries this one is: its place in lse, and its row among the random numbers. */
  long queryNumber(int b, int head, int t) {
    return ((long) b * heads + head) * queries + t;
  }

  /** Scores of all queries with all keys. */
  long scores() {
    return (long) batch * heads * queries * keys;
  }
}

package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;

/** The loops of {@link AttentionBackward} over rows of scores, one key's for many queries. */
final class ScoreGradients {
  /** Most queries of a block. */
  static final int QUERY_BLOCK = 256;

  // Parts of the state: what belongs to each query of a block.

  /** Logarithms of the sums of exponentials. */
  static final int LSE = 0;

  /** Sums of a query's result times its gradient. */
  static final int DELTA = QUERY_BLOCK;

  /** How many keys a query sees. */
  static final int SEEN = 2 * QUERY_BLOCK;

  private ScoreGradients() {}

  /** A row of scores becomes weights; 0 for queries that do not see the key. */
  static void probabilities(
      float[] row, int start, int n, float[] state, int query, int key, float scale) {
    FloatVector factor = Lanes.all(scale);
    FloatVector zero = FloatVector.zero(Lanes.SPECIES);
    FloatVector least = Lanes.all(key + 0.5f);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector logSum = FloatVector.fromArray(Lanes.SPECIES, state, LSE + query + i);
      FloatVector seen = FloatVector.fromArray(Lanes.SPECIES, state, SEEN + query + i);
      FloatVector score = FloatVector.fromArray(Lanes.SPECIES, row, start + i);
      FloatVector p = VectorMath.expOfNegative(score.mul(factor).sub(logSum));
      p.blend(zero, seen.compare(LT, least)).intoArray(row, start + i);
    }
  }

  /** Slopes become {@code scale·p·(dp − delta)}; 0 where p is, whatever dp may be there. */
  static void gradients(
      float[] weights,
      int start,
      float[] slopes,
      int slopeStart,
      int n,
      float[] state,
      int query,
      float scale) {
    FloatVector zero = FloatVector.zero(Lanes.SPECIES);
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector p = FloatVector.fromArray(Lanes.SPECIES, weights, start + i);
      FloatVector delta = FloatVector.fromArray(Lanes.SPECIES, state, DELTA + query + i);
      FloatVector slope = FloatVector.fromArray(Lanes.SPECIES, slopes, slopeStart + i).sub(delta);
      slope.mul(p).mul(scale).blend(zero, p.compare(EQ, zero)).intoArray(slopes, slopeStart + i);
    }
  }

  /** Multiplies a row by dropout's factors. */
  static void multiply(float[] row, int start, float[] factors, int factorStart, int n) {
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector factor = FloatVector.fromArray(Lanes.SPECIES, factors, factorStart + i);
      FloatVector.fromArray(Lanes.SPECIES, row, start + i).mul(factor).intoArray(row, start + i);
    }
  }
}

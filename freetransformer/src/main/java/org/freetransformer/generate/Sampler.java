package org.freetransformer.generate;

import java.util.BitSet;
import org.freetransformer.tensor.Philox;

/**
 * Chooses tokens from their logits as a {@link Sampling} says. Tokens leave a heap by falling
 * probability, only as many as a choice needs. A sampler keeps its memory from choice to choice:
 * for one thread at a time.
 */
public final class Sampler {
  /** Tells these draws apart from those of plans. */
  private static final int SALT = 0x70_6b_6e;

  private static final BitSet NONE = new BitSet();

  private final Sampling sampling;
  private final int[] words = new int[4];
  private float[] penalised = {};

  // A heap of (falling logit, number) in one long, the likeliest token first. Behind it, from the
  // end, the tokens that have left it.
  private long[] heap = {};
  private double[] weights = {};
  private int left;

  /** A sampler that chooses by these rules. */
  public Sampler(Sampling sampling) {
    this.sampling = sampling;
  }

  /**
   * Chooses a token of a sample that has none yet, not even a prompt.
   *
   * @throws IllegalStateException if a logit is infinite or not a number
   */
  public int choose(float[] logits, int sample, int position) {
    return choose(logits, NONE, sample, position);
  }

  /**
   * Chooses a token; the same for the same logits, rules, seen tokens, sample and position.
   *
   * @param logits [V], at least one; stay as they are
   * @param seen tokens that the sample has already, its prompt's among them; all below V
   * @param sample number of the sample that the token belongs to
   * @param position number of the token within the sample
   * @throws IllegalStateException if a logit is infinite or not a number
   */
  public int choose(float[] logits, BitSet seen, int sample, int position) {
    requireFinite(logits);
    boolean penalises = sampling.repetitionPenalty() != 1 && !seen.isEmpty();
    return draw(penalises ? penalised(logits, seen) : logits, sample, position);
  }

  private float[] penalised(float[] logits, BitSet seen) {
    if (penalised.length != logits.length) {
      penalised = new float[logits.length];
    }
    System.arraycopy(logits, 0, penalised, 0, logits.length);
    double penalty = sampling.repetitionPenalty();
    for (int token = seen.nextSetBit(0); token >= 0; token = seen.nextSetBit(token + 1)) {
      double logit = logits[token];
      double changed = logit > 0 ? logit / penalty : logit * penalty;
      penalised[token] = (float) Math.clamp(changed, -Float.MAX_VALUE, Float.MAX_VALUE);
    }
    return penalised;
  }

  private int draw(float[] logits, int sample, int position) {
    if (sampling.temperature() == 0) {
      return likeliest(logits);
    }
    fill(logits);
    int limit = sampling.topK() == 0 ? heap.length : Math.min(sampling.topK(), heap.length);
    double sum = limit == heap.length ? sumOfAll(logits) : sumOfFirst(limit, logits);
    int kept = limit;
    if (sampling.topP() < 1 || sampling.minP() > 0) {
      kept = kept(limit, sum, logits);
      sum = sumOfFirst(kept, logits);
    }
    double rest = uniform(sample, position) * sum;
    for (int i = 0; i < kept; i++) {
      rest -= weight(i, logits);
      if (rest < 0) {
        return token(i);
      }
    }
    return token(0); // Rounding ate the last share.
  }

  private static void requireFinite(float[] logits) {
    for (int token = 0; token < logits.length; token++) {
      if (!Float.isFinite(logits[token])) {
        throw new IllegalStateException(
            "the logit of token %d is %s: the model's weights are damaged, or training diverged"
                .formatted(token, logits[token]));
      }
    }
  }

  private static int likeliest(float[] logits) {
    int best = 0;
    for (int token = 1; token < logits.length; token++) {
      if (logits[token] > logits[best]) {
        best = token;
      }
    }
    return best;
  }

  private void fill(float[] logits) {
    if (heap.length != logits.length) {
      heap = new long[logits.length];
      weights = new double[logits.length];
    }
    for (int token = 0; token < logits.length; token++) {
      int bits = Float.floatToIntBits(logits[token] + 0f); // −0 becomes 0
      int rising = bits < 0 ? bits ^ Integer.MAX_VALUE : bits;
      heap[token] = ((long) ~rising << Integer.SIZE) | token;
    }
    left = heap.length;
    for (int i = left / 2 - 1; i >= 0; i--) {
      sink(i, heap[i]);
    }
    pop(logits);
  }

  /** Puts a key where it belongs, at a place of the heap or below. */
  private void sink(int place, long key) {
    int at = place;
    int child = 2 * at + 1;
    while (child < left) {
      if (child + 1 < left && heap[child + 1] < heap[child]) {
        child++;
      }
      if (key <= heap[child]) {
        break;
      }
      heap[at] = heap[child];
      at = child;
      child = 2 * at + 1;
    }
    heap[at] = key;
  }

  /** The likeliest token that is left goes behind the heap. */
  private void pop(float[] logits) {
    long top = heap[0];
    long last = heap[--left];
    if (left > 0) {
      sink(0, last);
    }
    heap[left] = top;
    int i = heap.length - 1 - left;
    weights[i] = weightOf(logits[(int) top], logits);
  }

  /** Relative to the likeliest token's. */
  private double weightOf(float logit, float[] logits) {
    return Math.exp(((double) logit - logits[token(0)]) / sampling.temperature());
  }

  /** The token in a place by falling probability, once it has left the heap. */
  private int token(int place) {
    return (int) heap[heap.length - 1 - place];
  }

  private double weight(int place, float[] logits) {
    while (heap.length - left <= place) {
      pop(logits);
    }
    return weights[place];
  }

  private double sumOfAll(float[] logits) {
    double sum = 0;
    for (float logit : logits) {
      sum += weightOf(logit, logits);
    }
    return sum;
  }

  private double sumOfFirst(int count, float[] logits) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += weight(i, logits);
    }
    return sum;
  }

  private int kept(int limit, double sum, float[] logits) {
    double enough = sampling.topP() == 1 ? Double.POSITIVE_INFINITY : sampling.topP() * sum;
    double before = 0;
    int kept = 0;
    while (kept < limit && before < enough && weight(kept, logits) >= sampling.minP()) {
      before += weights[kept++];
    }
    return kept;
  }

  private double uniform(int sample, int position) {
    long seed = sampling.seed();
    Philox.block((int) seed, (int) (seed >>> 32), position, SALT, sample, 0, words);
    return (words[0] >>> 8) * 0x1p-24;
  }
}

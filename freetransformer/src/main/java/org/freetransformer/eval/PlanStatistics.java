package org.freetransformer.eval;

import java.util.List;

/**
 * How inferred plans use their bits: means over all counted positions, in nats, a bit at most ln 2.
 *
 * <p>The KL of a bit b at position t of a text x falls into three parts (Hoffman and Johnson, "ELBO
 * surgery", 2016, with the position as one more variable), of which only the last helps the decoder
 * with this text rather than with any:
 *
 * <pre>{@code KL = (ln 2 − H(b)) + I(b; t) + I(b; x | t)}</pre>
 *
 * <p>All are computed from the encoder's probabilities, not from drawn bits, and entropies are
 * corrected for the number of samples; see {@link PlanTally}.
 *
 * @param positions positions counted
 * @param bits [H]
 */
public record PlanStatistics(long positions, List<Bit> bits) {
  /** A plan that tells less of its text than this share of its free bits has collapsed. */
  public static final double COLLAPSED = 0.1;

  private static final double LN_2 = Math.log(2);

  /**
   * One bit.
   *
   * @param entropy of the bit over all texts and positions, H(b); ln 2 if it is as often 0 as 1
   * @param kl mean divergence from the fair coin
   * @param positionInformation I(b; t), what the bit says of its position whatever the text
   * @param tokenInformation I(b; next token), what it says of the first token that it can help to
   *     predict; near its KL where the plan copies the text token by token
   * @param textInformation I(b; x | t), what it says of the text
   */
  public record Bit(
      double entropy,
      double kl,
      double positionInformation,
      double tokenInformation,
      double textInformation) {}

  /** Copies the list. */
  public PlanStatistics {
    bits = List.copyOf(bits);
  }

  /** What plans say of their text, nats per position: the bits' sum, each taken by itself. */
  public double textInformation() {
    return bits.stream().mapToDouble(Bit::textInformation).sum();
  }

  /** What plans say of their position whatever the text, nats per position. */
  public double positionInformation() {
    return bits.stream().mapToDouble(Bit::positionInformation).sum();
  }

  /** Share of the plan's entropy, H·ln 2, that says something of the text: 0 to 1. */
  public double entropyUsed() {
    return textInformation() / (bits.size() * LN_2);
  }
}

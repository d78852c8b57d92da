package org.freetransformer.generate;

import java.util.List;
import java.util.Map;
import org.freetransformer.tensor.Philox;

/**
 * Which plan is written to. Every position's plan is drawn once and kept.
 *
 * @param encodePrompt whether the prompt's plans are inferred by the encoder (the paper's prefill)
 *     rather than drawn from the prior; then neither {@code replay} nor what is pinned concerns the
 *     prompt
 * @param shared whether all samples get the same plans; those that are inferred are the same in all
 *     samples of one prompt
 * @param replay plans of a former run by position; positions beyond it are drawn; empty for none
 * @param pinnedBits bit mask of the bits that are fixed in every plan
 * @param pinnedValues values of those bits
 * @param seed decides all draws
 */
public record PlanControl(
    boolean encodePrompt,
    boolean shared,
    List<Integer> replay,
    int pinnedBits,
    int pinnedValues,
    long seed) {
  /** Tells these draws apart from those of tokens. */
  private static final int SALT = 0x70_6c_61;

  /** Plans are ints, and not negative. */
  private static final int LAST_BIT = 30;

  /** Copies the list. */
  public PlanControl {
    replay = List.copyOf(replay);
  }

  /** A plan of its own for each sample, drawn from the prior, prompt included. */
  public static PlanControl prior(long seed) {
    return new PlanControl(false, false, List.of(), 0, 0, seed);
  }

  /** The same with one plan for all samples, or with one for each. */
  public PlanControl withShared(boolean one) {
    return new PlanControl(encodePrompt, one, replay, pinnedBits, pinnedValues, seed);
  }

  /** The same with the prompt's plans inferred by the encoder, or drawn. */
  public PlanControl withEncodedPrompt(boolean inferred) {
    return new PlanControl(inferred, shared, replay, pinnedBits, pinnedValues, seed);
  }

  /** The same with the plans of a former run, by position. */
  public PlanControl withReplay(List<Integer> plans) {
    return new PlanControl(encodePrompt, shared, plans, pinnedBits, pinnedValues, seed);
  }

  /** The same with the bits of a mask pinned to those of {@code values}. */
  public PlanControl withPinned(int bits, int values) {
    return new PlanControl(encodePrompt, shared, replay, bits, values, seed);
  }

  /**
   * The same with single bits pinned.
   *
   * @param values 0 or 1 by the bit's number, from 0 to H − 1
   * @throws IllegalArgumentException for another value, or a bit that no plan has
   */
  public PlanControl withPinned(Map<Integer, Integer> values) {
    int bits = 0;
    int ones = 0;
    for (Map.Entry<Integer, Integer> pin : values.entrySet()) {
      int bit = pin.getKey();
      int value = pin.getValue();
      if (bit < 0 || bit > LAST_BIT || value < 0 || value > 1) {
        throw new IllegalArgumentException(
            "bit %d pinned to %d: a plan's bits are numbered from 0 to H - 1, and are 0 or 1"
                .formatted(bit, value));
      }
      bits |= 1 << bit;
      ones |= value << bit;
    }
    return withPinned(bits, ones);
  }

  /**
   * The plan of a position.
   *
   * @param sample number of the sample
   * @param position number of the token, the prompt's included
   * @param bits H
   * @return plan index from 0 to 2^H − 1
   * @throws IllegalArgumentException if a replayed or pinned plan has more bits
   */
  int at(int sample, int position, int bits) {
    int all = (1 << bits) - 1;
    if ((pinnedBits & ~all) != 0) {
      throw new IllegalArgumentException(
          "pinned bit %d: this model's plans have bits 0 to %d"
              .formatted(31 - Integer.numberOfLeadingZeros(pinnedBits), bits - 1));
    }
    int drawn =
        position < replay.size() ? replayed(position, all) : draw(shared ? 0 : sample, position);
    return ((drawn & ~pinnedBits) | (pinnedValues & pinnedBits)) & all;
  }

  private int replayed(int position, int all) {
    int plan = replay.get(position);
    if (plan < 0 || plan > all) {
      throw new IllegalArgumentException(
          "replayed plan %d at position %d: this model's plans are 0 to %d"
              .formatted(plan, position, all));
    }
    return plan;
  }

  private int draw(int sample, int position) {
    int[] words = new int[4];
    Philox.block((int) seed, (int) (seed >>> 32), position, SALT, sample, 0, words);
    return words[0];
  }
}

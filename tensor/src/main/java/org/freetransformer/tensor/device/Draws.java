package org.freetransformer.tensor.device;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Philox;

/**
 * The random numbers of one instruction, by the convention of {@link Instruction}: a function of
 * (seed, step, salt, element index), the same on every device and in every order.
 *
 * <p>{@link #refresh} reads seed and step as they stand now; drawing then only reads, so that
 * threads can share an instance, each with a block of words of its own.
 */
public final class Draws {
  /** Words in a block of the generator. */
  public static final int BLOCK = 4;

  /** Low bits of a word that its uniform number does not depend on. */
  public static final int UNUSED_BITS = 8;

  /** How many uniform numbers there are: k/2^24 for k from 0. */
  public static final int VALUES = 1 << 24;

  private static final float UNIT = 1f / VALUES;

  private final MemorySegment state;
  private final int salt;
  private int seedLow;
  private int seedHigh;
  private int stepLow;
  private int stepHigh;

  /**
   * Draws from a random state.
   *
   * @param rng i32 [4] = {seed low, seed high, step low, step high}, in CPU memory
   * @param salt tells instructions apart
   * @throws IllegalArgumentException if {@code rng} is not four contiguous integers
   */
  public Draws(Buffer rng, int salt) {
    if (rng.dtype() != DType.I32 || rng.size() != 4 || !rng.isContiguous()) {
      throw new IllegalArgumentException("a random state is i32 [4] without gaps, not " + rng);
    }
    this.state =
        CpuDevice.segment(rng).asSlice(rng.layout().offset() * Integer.BYTES, 4L * Integer.BYTES);
    this.salt = salt;
  }

  /** Reads seed and step: at the start of every run of a kernel. */
  public void refresh() {
    seedLow = state.getAtIndex(ValueLayout.JAVA_INT, 0);
    seedHigh = state.getAtIndex(ValueLayout.JAVA_INT, 1);
    stepLow = state.getAtIndex(ValueLayout.JAVA_INT, 2);
    stepHigh = state.getAtIndex(ValueLayout.JAVA_INT, 3);
  }

  /** The words of elements 4·block to 4·block + 3. */
  public void block(long block, int[] words) {
    Philox.block(seedLow, seedHigh, (int) block, salt, stepLow, stepHigh, words);
  }

  /**
   * The words of a run of blocks, as {@link #block} gives them one by one.
   *
   * @param generator draws blocks of one key, all of whose counters but the first word are equal
   */
  public void blocks(long first, int count, int[] words, Generator generator) {
    generator.blocks(seedLow, seedHigh, (int) first, salt, stepLow, stepHigh, count, words);
  }

  /** A way to compute {@code count} blocks of {@link Philox} with first words c0, c0 + 1, ... */
  @FunctionalInterface
  public interface Generator {
    /** Writes 4·count words. */
    void blocks(int keyLow, int keyHigh, int c0, int c1, int c2, int c3, int count, int[] words);
  }

  /** The uniform number in [0, 1) that a word stands for: a multiple of 2^-24, exact in f32. */
  public static float uniform(int word) {
    return (word >>> UNUSED_BITS) * UNIT;
  }

  /**
   * The largest number of [low, high) in f32, which a uniform one must not exceed by rounding; low
   * where there is none.
   */
  public static float mostBelow(double low, double high) {
    return Math.max((float) low, Math.nextDown((float) high));
  }

  /** u(i) of one element; {@code words} is scratch of 4. Whole blocks are cheaper. */
  public float uniform(long index, int[] words) {
    block(index / BLOCK, words);
    return uniform(words[(int) (index % BLOCK)]);
  }
}

package org.freetransformer.data;

import org.freetransformer.tensor.ExampleRandom;

/**
 * The paper's synthetic task (arXiv 2510.17558, section 4.1). A sequence is 64 fillers {@code _},
 * in which 8 copies of a random letter stand at a random place, after which each of the 64
 * characters is replaced by {@code !} with probability 1/16; in front stands the prompt, the letter
 * and {@code >}.
 *
 * <p>Of the 66 symbols the first 65 are inputs and the last 65 targets. The first target, {@code
 * >}, is ignored: the 64 characters count.
 *
 * <p>Every example is drawn on its own from (seed, split, index): letter and start from one block
 * of random words, the noise from four random bits a character.
 */
public final class PlanLetters implements Dataset {

  /** Characters after the prompt. */
  public static final int CHARACTERS = 64;

  /** Copies of the letter. */
  public static final int RUN = 8;

  /** Places where the run can start. */
  public static final int STARTS = CHARACTERS - RUN + 1;

  /** Symbols of the prompt, the letter and {@code >}. */
  public static final int PROMPT = 2;

  /** Probability that a character is replaced by noise. */
  public static final double NOISE_PROBABILITY = 1.0 / 16;

  /** Inputs of an example T. */
  public static final int LENGTH = PROMPT + CHARACTERS - 1;

  private static final int BITS_PER_CHARACTER = 4;
  private static final int CHARACTERS_PER_WORD = Integer.SIZE / BITS_PER_CHARACTER;

  private final long validationSize;
  private final ExampleRandom training;
  private final ExampleRandom validation;

  /**
   * An endless training split, and a validation split.
   *
   * @param seed decides every example
   * @param validationSize examples in the validation split
   */
  public PlanLetters(long seed, long validationSize) {
    this.validationSize = validationSize;
    training = new ExampleRandom(seed, "plan-letters training");
    validation = new ExampleRandom(seed, "plan-letters validation");
  }

  @Override
  public int vocabSize() {
    return LetterAlphabet.VOCAB_SIZE;
  }

  @Override
  public int length() {
    return LENGTH;
  }

  @Override
  public long size(Split split) {
    return split == Split.TRAIN ? ENDLESS : validationSize;
  }

  @Override
  public void read(Split split, long index, int[] tokens, int[] targets, int offset) {
    int[] sequence = sequence(split, index);
    System.arraycopy(sequence, 0, tokens, offset, LENGTH);
    System.arraycopy(sequence, 1, targets, offset, LENGTH);
    targets[offset] = Batch.IGNORE;
  }

  /** All 66 symbols of an example, as {@link LetterAlphabet} tokens. */
  public int[] sequence(Split split, long index) {
    ExampleRandom random = split == Split.TRAIN ? training : validation;
    int[] words = new int[ExampleRandom.BLOCK];
    random.block(index, 0, words);
    int letter = (int) ExampleRandom.below(LetterAlphabet.LETTERS, words[0], words[1]);
    int start = (int) ExampleRandom.below(STARTS, words[2], words[3]);

    int[] sequence = new int[PROMPT + CHARACTERS];
    sequence[0] = letter;
    sequence[1] = LetterAlphabet.PROMPT_END;
    for (int i = 0; i < CHARACTERS; i++) {
      boolean inRun = i >= start && i < start + RUN;
      sequence[PROMPT + i] = inRun ? letter : LetterAlphabet.FILLER;
    }
    addNoise(random, index, sequence);
    return sequence;
  }

  private static void addNoise(ExampleRandom random, long index, int[] sequence) {
    int[] words = new int[ExampleRandom.BLOCK];
    for (int i = 0; i < CHARACTERS; i++) {
      int word = i / CHARACTERS_PER_WORD;
      if (i % (CHARACTERS_PER_WORD * ExampleRandom.BLOCK) == 0) {
        random.block(index, 1 + word / ExampleRandom.BLOCK, words);
      }
      int shift = BITS_PER_CHARACTER * (i % CHARACTERS_PER_WORD);
      if (((words[word % ExampleRandom.BLOCK] >>> shift) & 0xF) == 0) {
        sequence[PROMPT + i] = LetterAlphabet.NOISE;
      }
    }
  }
}

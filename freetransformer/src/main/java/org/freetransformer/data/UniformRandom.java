package org.freetransformer.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.freetransformer.tensor.ExampleRandom;

/**
 * Uniform random tokens, the original repository's synthetic set: nothing in them can be learnt,
 * and the best loss is ln V. Sequences of S tokens give S − 1 inputs and targets.
 */
public final class UniformRandom implements Dataset {

  private final int vocabSize;
  private final int sequenceLength;
  private final long trainingSize;
  private final long validationSize;
  private final ExampleRandom training;
  private final ExampleRandom validation;

  /**
   * A finite set of random sequences.
   *
   * @param vocabSize tokens V
   * @param sequenceLength tokens of a sequence, one more than its inputs
   * @param trainingSize sequences to train on
   * @param validationSize sequences to measure on
   * @param seed decides every sequence
   */
  public UniformRandom(
      int vocabSize, int sequenceLength, long trainingSize, long validationSize, long seed) {
    this.vocabSize = vocabSize;
    this.sequenceLength = sequenceLength;
    this.trainingSize = trainingSize;
    this.validationSize = validationSize;
    training = new ExampleRandom(seed, "synthetic training");
    validation = new ExampleRandom(seed, "synthetic validation");
  }

  /**
   * The sequences in the original repository's files, if they are there; else made from the seed.
   *
   * @param notes told where they were looked for, if they are made
   * @throws IllegalArgumentException if the files hold sequences of another length, or tokens that
   *     the configuration does not know
   */
  static Dataset open(DataConfig config, Consumer<String> notes) {
    Path folder = Path.of(config.dataDir());
    boolean training = Files.exists(folder.resolve(SeedSequences.TRAINING));
    if (training || Files.exists(folder.resolve(SeedSequences.VALIDATION))) {
      SeedSequences written =
          training ? new SeedSequences(folder) : SeedSequences.ofValidation(folder);
      try {
        requireAsConfigured(written, config);
        return written;
      } catch (IllegalArgumentException refused) {
        written.close();
        throw refused;
      }
    }
    notes.accept(
        "data_dir: no %s in %s; the data is random: %d sequences to train on, %d to measure on"
            .formatted(
                SeedSequences.TRAINING, folder, config.numTrainSamples(), config.numValSamples()));
    return new UniformRandom(
        config.syntheticVocabSize(),
        config.syntheticSeqLength(),
        config.numTrainSamples(),
        config.numValSamples(),
        config.seed());
  }

  private static void requireAsConfigured(SeedSequences written, DataConfig config) {
    if (written.length() != config.sequenceLength()) {
      throw new IllegalArgumentException(
          "synthetic_seq_length: %d is not the %d of the sequences in %s"
              .formatted(config.syntheticSeqLength(), written.length() + 1, config.dataDir()));
    }
    if (written.vocabSize() > config.syntheticVocabSize()) {
      throw new IllegalArgumentException(
          "synthetic_vocab_size: %d is too small for the sequences in %s, whose largest token is %d;"
                  .formatted(config.syntheticVocabSize(), config.dataDir(), written.vocabSize() - 1)
              + " set it to %d or more, and model.vocab_size with it"
                  .formatted(written.vocabSize()));
    }
  }

  @Override
  public int vocabSize() {
    return vocabSize;
  }

  @Override
  public int length() {
    return sequenceLength - 1;
  }

  @Override
  public long size(Split split) {
    return split == Split.TRAIN ? trainingSize : validationSize;
  }

  @Override
  public void read(Split split, long index, int[] tokens, int[] targets, int offset) {
    ExampleRandom random = split == Split.TRAIN ? training : validation;
    int[] words = new int[ExampleRandom.BLOCK];
    for (int i = 0; i < sequenceLength; i++) {
      int half = i % 2;
      if (half == 0) {
        random.block(index, i / 2, words);
      }
      int token = (int) ExampleRandom.below(vocabSize, words[2 * half], words[2 * half + 1]);
      if (i < sequenceLength - 1) {
        tokens[offset + i] = token;
      }
      if (i > 0) {
        targets[offset + i - 1] = token;
      }
    }
  }
}

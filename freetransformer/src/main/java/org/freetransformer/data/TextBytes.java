package org.freetransformer.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The bytes of text, split as nanoGPT does: the first nine tenths to train on, the rest to measure
 * on. Training examples are windows at random places, without end; validation examples are the
 * windows of the last tenth side by side, so that every byte counts once, but for those that do not
 * fill a window.
 */
public final class TextBytes implements Dataset {

  private static final int MAX_BYTES = Integer.MAX_VALUE - 8;

  private final byte[] text;
  private final int length;
  private final int trainingBytes;
  private final ExampleRandom random;

  /**
   * Examples of {@code length} bytes.
   *
   * @param text all of the text
   * @param length inputs of an example T
   * @param seed decides the places of training examples
   * @throws IllegalArgumentException if either part is shorter than an example and its last target
   */
  public TextBytes(byte[] text, int length, long seed) {
    this.text = text.clone();
    this.length = length;
    this.trainingBytes = (int) (text.length * 9L / 10);
    this.random = new ExampleRandom(seed, "text training");
    int validationBytes = text.length - trainingBytes;
    if (validationBytes < length + 1) {
      throw new IllegalArgumentException(
          "max_length: %d is too long: the last tenth of the text has %d bytes; nearest is %d"
              .formatted(length, validationBytes, Math.max(0, validationBytes - 1)));
    }
  }

  /** Reads a file, or all files of a folder and the folders in it, in the order of their names. */
  static TextBytes open(DataConfig config) {
    Path path = Path.of(config.dataDir());
    try {
      return new TextBytes(readAll(path), config.maxLength(), config.seed());
    } catch (IOException unreadable) {
      throw new IllegalArgumentException(
          "data_dir: %s cannot be read; name a text file or a folder of them (%s)"
              .formatted(path, unreadable.getClass().getSimpleName()),
          unreadable);
    }
  }

  private static byte[] readAll(Path path) throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.walk(path)) {
      files = found.filter(Files::isRegularFile).sorted().toList();
    }
    long size = 0;
    for (Path file : files) {
      size += Files.size(file);
    }
    if (size > MAX_BYTES) {
      throw new IllegalArgumentException(
          "data_dir: %s holds %d bytes of text; allowed are up to %d"
              .formatted(path, size, MAX_BYTES));
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream((int) size);
    for (Path file : files) {
      all.write(Files.readAllBytes(file));
    }
    return all.toByteArray();
  }

  @Override
  public int vocabSize() {
    return ByteTokenizer.VOCAB_SIZE;
  }

  @Override
  public int length() {
    return length;
  }

  @Override
  public long size(Split split) {
    return split == Split.TRAIN ? ENDLESS : (text.length - trainingBytes - 1) / length;
  }

  @Override
  public void read(Split split, long index, int[] tokens, int[] targets, int offset) {
    int start =
        split == Split.TRAIN ? trainingStart(index) : (int) (trainingBytes + index * length);
    for (int i = 0; i < length; i++) {
      tokens[offset + i] = Byte.toUnsignedInt(text[start + i]);
      targets[offset + i] = Byte.toUnsignedInt(text[start + i + 1]);
    }
  }

  private int trainingStart(long index) {
    int[] words = new int[ExampleRandom.BLOCK];
    random.block(index, 0, words);
    return (int) ExampleRandom.below(trainingBytes - length, words[0], words[1]);
  }
}

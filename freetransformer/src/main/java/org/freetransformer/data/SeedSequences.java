package org.freetransformer.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.checkpoint.TensorType;
import org.freetransformer.checkpoint.TorchFile;
import org.freetransformer.checkpoint.TorchTensor;
import org.freetransformer.nn.Resources;

/**
 * The original repository's data folder: {@code train.pt} and {@code val.pt}, each one tensor of
 * 64-bit tokens [N,S]. Sequences of S tokens give S − 1 inputs and targets. The files stay mapped.
 */
public final class SeedSequences implements Dataset {

  /** File of the sequences to train on. */
  public static final String TRAINING = "train.pt";

  /** File of the sequences to measure on. */
  public static final String VALIDATION = "val.pt";

  private static final ValueLayout.OfLong TOKEN =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Map<Split, Sequences> splits = new EnumMap<>(Split.class);
  private final int vocabSize;
  private final int sequenceLength;
  private final Resources resources;

  /** The sequences of one file, which is open. */
  private record Sequences(long count, MemorySegment tokens) {}

  /**
   * Opens both files and looks at every token.
   *
   * @throws IllegalArgumentException if one is missing, damaged, holds anything but such a tensor,
   *     or a token that is out of range
   */
  public SeedSequences(Path folder) {
    this(folder, List.of(Split.values()));
  }

  /** Opens the file to measure on alone: there is nothing to train on then. */
  public static SeedSequences ofValidation(Path folder) {
    return new SeedSequences(folder, List.of(Split.VALIDATION));
  }

  private SeedSequences(Path folder, List<Split> wanted) {
    int length = 0;
    int vocabulary = 0;
    try (Resources files = new Resources()) {
      for (Split split : wanted) {
        Path path = folder.resolve(split == Split.TRAIN ? TRAINING : VALIDATION);
        TorchFile file = files.add(TorchFile.open(path));
        TorchTensor tensor = requireSequences(path, file.tensor(), length);
        length = Math.toIntExact(tensor.shape().getLast());
        MemorySegment tokens = tensor.rows(Arena.ofAuto());
        splits.put(split, new Sequences(tensor.shape().getFirst(), tokens));
        vocabulary = Math.max(vocabulary, largestToken(path, tokens) + 1);
      }
      resources = files.keep();
    }
    sequenceLength = length;
    vocabSize = vocabulary;
  }

  private static TorchTensor requireSequences(Path path, TorchTensor tensor, int length) {
    List<Long> shape = tensor.shape();
    boolean fits =
        tensor.type() == TensorType.I64
            && shape.size() == 2
            && shape.getFirst() > 0
            && shape.getLast() >= 2
            && shape.getLast() <= 1 << 20
            && (length == 0 || shape.getLast() == length);
    if (!fits) {
      throw new IllegalArgumentException(
          "%s: holds a tensor of %s %s; sequences are I64 [N,S]%s"
              .formatted(
                  path,
                  tensor.type(),
                  shape,
                  length == 0 ? " with S from 2" : " with S " + length));
    }
    return tensor;
  }

  private static int largestToken(Path path, MemorySegment tokens) {
    long largest = 0;
    for (long at = 0; at < tokens.byteSize(); at += Long.BYTES) {
      long token = tokens.get(TOKEN, at);
      if (token < 0 || token >= 1 << 24) {
        throw new IllegalArgumentException(
            "%s: holds token %d; allowed are 0 to %d".formatted(path, token, (1 << 24) - 1));
      }
      largest = Math.max(largest, token);
    }
    return (int) largest;
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
    Sequences sequences = splits.get(split);
    return sequences == null ? 0 : sequences.count();
  }

  @Override
  public void read(Split split, long index, int[] tokens, int[] targets, int offset) {
    MemorySegment all = sequences(split).tokens();
    long first = index * sequenceLength;
    for (int i = 0; i < sequenceLength; i++) {
      int token = (int) all.get(TOKEN, (first + i) * Long.BYTES);
      if (i < sequenceLength - 1) {
        tokens[offset + i] = token;
      }
      if (i > 0) {
        targets[offset + i - 1] = token;
      }
    }
  }

  private Sequences sequences(Split split) {
    Sequences sequences = splits.get(split);
    if (sequences == null) {
      throw new IllegalStateException("there are no sequences to train on");
    }
    return sequences;
  }

  @Override
  public void close() {
    resources.close();
  }
}

package org.freetransformer.eval;

import java.util.Arrays;
import org.freetransformer.data.Batch;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Split;

/** Held-out texts that a test chose: targets [example][T], the inputs what stands before them. */
@SuppressWarnings("ArrayRecordComponent") // Made by a test; equality means nothing.
record FewTexts(int vocabSize, int[][] tokens, int[][] targets) implements Dataset {
  /** Texts whose every token but the first is a target. */
  static FewTexts of(int vocabSize, int[]... texts) {
    int[][] tokens = new int[texts.length][];
    int[][] targets = new int[texts.length][];
    for (int i = 0; i < texts.length; i++) {
      int length = texts[i].length - 1;
      tokens[i] = Arrays.copyOf(texts[i], length);
      targets[i] = Arrays.copyOfRange(texts[i], 1, length + 1);
    }
    return new FewTexts(vocabSize, tokens, targets);
  }

  /** The same with the targets at these positions left out. */
  FewTexts ignoring(int... positions) {
    for (int[] row : targets) {
      for (int position : positions) {
        row[position] = Batch.IGNORE;
      }
    }
    return this;
  }

  @Override
  public int length() {
    return tokens[0].length;
  }

  @Override
  public long size(Split split) {
    return tokens.length;
  }

  @Override
  public void read(Split split, long index, int[] inputs, int[] aims, int offset) {
    System.arraycopy(tokens[(int) index], 0, inputs, offset, length());
    System.arraycopy(targets[(int) index], 0, aims, offset, length());
  }
}

package org.freetransformer.eval;

import java.util.OptionalDouble;
import org.freetransformer.data.Batch;
import org.freetransformer.data.Batches;
import org.freetransformer.data.Tokenizer;

/** A loss per token as bits per byte of text, which can be compared between tokenizers. */
public final class BitsPerByte {
  private BitsPerByte() {}

  /**
   * The bound of an evaluation in bits per byte: nats per token, times tokens per byte of the text
   * that was evaluated, divided by ln 2.
   *
   * @param batches as they were evaluated
   * @param examples as many as were evaluated, or more than there are
   * @param tokenizer says how many bytes each counted target stands for
   * @return empty if the tokens stand for no text, or the evaluation has no bound
   */
  public static OptionalDouble of(
      Evaluation evaluation, Batches batches, long examples, Tokenizer tokenizer) {
    long end = Math.min(examples, batches.examples());
    long bytes = 0;
    for (long first = 0; first < end; first += batches.batchSize()) {
      for (int target : batches.upTo(first, end).targets()) {
        bytes += target == Batch.IGNORE ? 0 : tokenizer.byteLength(target);
      }
    }
    return bytes == 0 || !evaluation.hasBound()
        ? OptionalDouble.empty()
        : OptionalDouble.of(evaluation.nllBound() * evaluation.tokens() / bytes / Math.log(2));
  }
}

package org.freetransformer.tokenizers;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import org.freetransformer.data.Document;
import org.freetransformer.data.DocumentSink;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.data.PartReaders;
import org.freetransformer.data.SkipReason;

/** Counts the words of documents, several parts at a time; sums do not depend on how many. */
public final class WordCount {
  private final List<DocumentSource.Part> parts;
  private final BytePairTrainer trainer = new BytePairTrainer();
  private final AtomicLong documents = new AtomicLong();
  private final AtomicLong skipped = new AtomicLong();

  /** Has counted nothing yet. */
  public WordCount(List<DocumentSource.Part> parts) {
    this.parts = List.copyOf(parts);
  }

  /** Bytes to read. */
  public long bytes() {
    return parts.stream().mapToLong(DocumentSource.Part::bytes).sum();
  }

  /**
   * Counts until all is read or a stop is asked for.
   *
   * @param progress told how many bytes are done, by any thread
   * @throws IllegalArgumentException if no document was found
   * @throws IOException if reading fails
   */
  public void run(int threads, LongConsumer progress, BooleanSupplier stop) throws IOException {
    PartReaders.read(parts, threads, progress, stop, (_, part, _) -> count(part));
    if (documents.get() == 0 && !stop.getAsBoolean()) {
      throw new IllegalArgumentException(
          "the data holds no document: %,d skipped".formatted(skipped.get()));
    }
  }

  private void count(DocumentSource.Part part) throws IOException {
    Map<String, Long> counts = new HashMap<>();
    part.read(
        new DocumentSink() {
          @Override
          public void document(Document document) {
            documents.incrementAndGet();
            BytePairTrainer.count(document.text(), counts);
          }

          @Override
          public void skip(SkipReason reason, String place, String detail) {
            skipped.incrementAndGet();
          }
        });
    trainer.add(counts);
  }

  /** Knows the words that were counted. */
  public BytePairTrainer trainer() {
    return trainer;
  }

  /** Documents read. */
  public long documents() {
    return documents.get();
  }

  /** Things skipped. */
  public long skipped() {
    return skipped.get();
  }
}

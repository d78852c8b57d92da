package org.freetransformer.tokenizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Collections;
import java.util.concurrent.atomic.AtomicInteger;
import org.freetransformer.data.Document;
import org.freetransformer.data.DocumentSink;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.data.SkipReason;
import org.junit.jupiter.api.Test;

final class WordCountTest {

  /** What reading a part does. */
  @FunctionalInterface
  private interface Content {
    void readInto(DocumentSink sink) throws IOException;
  }

  private record Part(Content content) implements DocumentSource.Part {
    @Override
    public String identity() {
      return "part";
    }

    @Override
    public long bytes() {
      return 3;
    }

    @Override
    public void read(DocumentSink sink) throws IOException {
      content.readInto(sink);
    }
  }

  private static WordCount of(int parts, Content content) {
    return new WordCount(Collections.nCopies(parts, new Part(content)));
  }

  @Test
  void countsAllParts() throws IOException {
    WordCount words =
        of(
            5,
            sink -> {
              sink.document(new Document("here", "a b"));
              sink.skip(SkipReason.BINARY, "there", "");
            });
    words.run(2, _ -> {}, () -> false);
    assertThat(words.bytes()).isEqualTo(15);
    assertThat(words.documents()).isEqualTo(5);
    assertThat(words.skipped()).isEqualTo(5);
  }

  @Test
  void readsNoMoreAfterAPartHasFailed() {
    AtomicInteger begun = new AtomicInteger();
    WordCount words =
        of(
            5,
            _ -> {
              begun.incrementAndGet();
              throw new IllegalArgumentException("text_field: no column 'txt'");
            });
    assertThatThrownBy(() -> words.run(1, _ -> {}, () -> false))
        .hasMessage("text_field: no column 'txt'");
    assertThat(begun).hasValue(1);
  }

  @Test
  void saysThatThereIsNoDocument() {
    WordCount words = of(2, sink -> sink.skip(SkipReason.BINARY, "there", ""));
    assertThatThrownBy(() -> words.run(1, _ -> {}, () -> false))
        .hasMessage("the data holds no document: 2 skipped");
  }
}

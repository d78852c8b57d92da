package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class PartReadersTest {
  private static final List<DocumentSource.Part> PARTS =
      List.of(new Silent(1), new Silent(10), new Silent(100));

  private final Set<Integer> begun = new ConcurrentSkipListSet<>();

  /** A part without documents. */
  private record Silent(long bytes) implements DocumentSource.Part {
    @Override
    public String identity() {
      return "silent";
    }

    @Override
    public void read(DocumentSink sink) {}
  }

  private void read(Throwable failure) throws IOException {
    PartReaders.read(
        PARTS,
        1,
        _ -> {},
        () -> false,
        (number, _, _) -> {
          begun.add(number);
          switch (failure) {
            case IOException io -> throw io;
            case Error error -> throw error;
            default -> throw (RuntimeException) failure;
          }
        });
  }

  @Test
  void readsEveryPartAndTellsTheBytesThatAreDone() throws IOException {
    AtomicLong done = new AtomicLong();
    PartReaders.read(
        PARTS,
        2,
        bytes -> done.accumulateAndGet(bytes, Math::max),
        () -> false,
        (number, part, _) -> {
          assertThat(part).isSameAs(PARTS.get(number));
          begun.add(number);
        });
    assertThat(begun).containsExactly(0, 1, 2);
    assertThat(done).hasValue(111);
  }

  @Test
  void beginsNoPartAfterOneHasFailed() {
    assertThatThrownBy(() -> read(new IOException("full"))).hasMessage("full");
    assertThat(begun).containsExactly(0);
  }

  @Test
  void beginsNoPartAfterItIsToldToStop() throws IOException {
    PartReaders.read(
        PARTS, 1, _ -> {}, () -> !begun.isEmpty(), (number, _, _) -> begun.add(number));
    assertThat(begun).containsExactly(0);
  }

  @Test
  void failuresAreThrownAsTheyAre() {
    for (Throwable failure :
        List.of(new IOException("a"), new IllegalStateException("b"), new OutOfMemoryError("c"))) {
      assertThatThrownBy(() -> read(failure)).isSameAs(failure);
    }
    IOException inside = new IOException("d");
    assertThatThrownBy(() -> read(new UncheckedIOException(inside))).isSameAs(inside);
  }
}

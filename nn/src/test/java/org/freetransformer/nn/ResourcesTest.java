package org.freetransformer.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ResourcesTest {
  private final List<String> closed = new ArrayList<>();

  private AutoCloseable part(String name) {
    return () -> closed.add(name);
  }

  @Test
  void theLastIsClosedFirstAndOnce() {
    Resources resources = new Resources();
    resources.add(part("one"));
    resources.add(part("two"));
    resources.close();
    resources.close();
    assertThat(closed).containsExactly("two", "one");
  }

  @Test
  void whatIsKeptIsClosedByItsKeeper() {
    Resources kept;
    try (Resources parts = new Resources()) {
      parts.add(part("one"));
      parts.add(part("two"));
      kept = parts.keep();
      parts.add(part("three"));
    }
    assertThat(closed).containsExactly("three");
    kept.close();
    assertThat(closed).containsExactly("three", "two", "one");
  }

  @Test
  void aPartThatFailsKeepsNoOtherOpen() {
    Resources resources = new Resources();
    resources.add(part("one"));
    resources.add(() -> {
      throw new Exception("two");
    });
    resources.add(() -> {
      throw new OutOfMemoryError("three");
    });
    resources.add(part("four"));
    assertThatThrownBy(resources::close)
        .isInstanceOf(OutOfMemoryError.class)
        .hasMessage("three")
        .satisfies(failure -> assertThat(failure.getSuppressed()).hasSize(1));
    assertThat(closed).containsExactly("four", "one");
  }
}

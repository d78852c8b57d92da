package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class TextStreamTest {
  private final CompletableFuture<Boolean> whole = new CompletableFuture<>();
  private final List<String> shown = new ArrayList<>();
  private final TextStream stream = new TextStream("K>", whole, shown::add);

  @Test
  void textWaitsUntilTheWeightsAreKnownToBeWhole() {
    stream.add("A");
    stream.add("B");
    assertThat(shown).isEmpty();
    assertThat(stream.waiting()).isEqualTo("K>AB");
    whole.complete(true);
    stream.add("C");
    stream.add("D");
    assertThat(shown).containsExactly("K>ABC", "D");
    assertThat(stream.waiting()).isEmpty();
  }

  @Test
  void textOfDamagedWeightsIsNeverShown() {
    stream.add("A");
    whole.complete(false);
    stream.add("B");
    assertThat(shown).isEmpty();
  }

  @Test
  void textOfWeightsThatCannotBeReadIsNeverShown() {
    whole.completeExceptionally(new IllegalStateException("no disk"));
    stream.add("A");
    assertThat(shown).isEmpty();
  }
}

package org.freetransformer.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class NearestTest {

  @Test
  void countsEditsWithNeighbourSwapsAsOne() {
    assertThat(Nearest.distance("", "abc")).isEqualTo(3);
    assertThat(Nearest.distance("kitten", "sitting")).isEqualTo(3);
    assertThat(Nearest.distance("hidden_dmi", "hidden_dim")).isEqualTo(1);
  }

  @Test
  void findsTheWordThatWasMeant() {
    List<String> keys = List.of("hidden_dim", "num_heads", "num_kv_heads");
    assertThat(Nearest.to("hiden_dim", keys)).contains("hidden_dim");
    assertThat(Nearest.to("num-head", keys)).contains("num_heads");
    assertThat(Nearest.to("NUM_KV_HEAD", keys)).contains("num_kv_heads");
  }

  @Test
  void staysSilentWhenNothingIsNear() {
    assertThat(Nearest.to("zzzzzzzz", List.of("hidden_dim", "seed"))).isEmpty();
    assertThat(Nearest.to("seed", List.of())).isEmpty();
  }

  /** As a client may send it: a table of a million by a million edits has no room. */
  @Test
  void aVeryLongWordIsLookedAtFromItsBeginning() {
    String endless = "hidden_dim".repeat(100_000);
    assertThat(Nearest.to(endless, List.of(endless + "s", "seed"))).contains(endless + "s");
    assertThat(Nearest.shown(endless)).hasSize(101).endsWith("…");
    assertThat(Nearest.shown("seed")).isEqualTo("seed");
  }
}

package org.freetransformer.bench.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import org.junit.jupiter.api.Test;

class TrafficTest {
  @Test
  void whatIsMovedTwiceCountsTwice() {
    assertThat(Traffic.ofFloats(10, 2, 1, 0).total()).isEqualTo(120);
    assertThat(Traffic.ofFloats(10, 2, 1, 0).andAgain(10).total()).isEqualTo(160);
    assertThat(Traffic.ofFloats(10, 0, 0, 4).andRefilled(10).total()).isEqualTo(360);
  }

  @Test
  void aLoopRunsWhateverIsMoved() {
    for (Traffic traffic :
        new Traffic[] {
          new Traffic(1000, 0, 0),
          new Traffic(0, 1000, 0),
          new Traffic(1000, 3000, 0, 5000, 0),
          new Traffic(0, 0, 100_000, 30_000, 50_000),
          new Traffic(0, 1000, 0, 1000, 0)
        }) {
      try (MemoryLoop loop = new MemoryLoop(traffic, 2)) {
        assertThatCode(loop::run).as("%s", traffic).doesNotThrowAnyException();
      }
    }
  }
}

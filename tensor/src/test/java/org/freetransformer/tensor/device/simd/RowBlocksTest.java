package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RowBlocksTest {
  @ParameterizedTest
  @CsvSource({"0, 5", "1, 1", "7, 16384", "16385, 1", "2147483647, 1", "2147483647, 3"})
  void everyRowIsInOneBlock(int rows, int columns) {
    RowBlocks blocks = RowBlocks.of(rows, columns);
    int next = 0;
    for (int block = 0; block < blocks.count(); block++) {
      assertThat(blocks.first(block)).isEqualTo(next);
      assertThat(blocks.end(block)).isGreaterThan(next);
      next = blocks.end(block);
    }
    assertThat(next).isEqualTo(rows);
  }
}

package org.freetransformer.bench.suite;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.model.ModelConfig;
import org.junit.jupiter.api.Test;

class GenerationMemoryTest {
  private static final ModelConfig SIZE =
      ModelConfig.builder()
          .vocabSize(32)
          .hiddenDim(32)
          .numLayers(2)
          .numHeads(2)
          .ffnHiddenDim(88)
          .maxSeqLen(16)
          .latentDim(8)
          .build();

  @Test
  void aTableOfPlansTakesARowOfEach() {
    GenerationMemory memory = GenerationMemory.measure("small", SIZE);
    assertThat(memory.bits()).as("the encoder's block").isGreaterThan(memory.baseline());
    long rows = (1L << SIZE.latentDim()) * SIZE.hiddenDim() * Float.BYTES;
    long matrix = (long) SIZE.latentDim() * SIZE.hiddenDim() * Float.BYTES;
    assertThat(memory.table() - memory.bits()).isBetween(rows - 2 * matrix, rows + matrix);
    assertThat(GenerationMemory.measure("small", SIZE)).isEqualTo(memory);
  }

  @Test
  void theRemarkCountsBesideTheBaseline() {
    long mib = 1 << 20;
    assertThat(new GenerationMemory("small", 4 * mib, 5 * mib, 12 * mib).remark())
        .contains("small", "baseline 4.0 MiB", "bits 5.0 (+25 %)", "plans 12.0 (+200 %)");
  }
}

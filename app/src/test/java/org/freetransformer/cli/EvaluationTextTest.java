package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.freetransformer.model.ModelConfig;
import org.junit.jupiter.api.Test;

class EvaluationTextTest {
  @Test
  void aBaselineDrawsNoPlan() {
    assertThat(EvaluationText.plansEach(ModelConfig.Kind.BASELINE, 8)).isEqualTo("no plan");
    assertThat(EvaluationText.plansEach(ModelConfig.Kind.FREE, 8)).isEqualTo("8 plans each");
    assertThat(EvaluationText.plansEach(ModelConfig.Kind.FREE, 1)).isEqualTo("1 plan each");
  }
}

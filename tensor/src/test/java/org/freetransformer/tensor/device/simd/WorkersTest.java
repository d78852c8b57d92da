package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class WorkersTest {
  private static final long TOO_MUCH = 1L << 60;

  @Test
  void whatThereWasServesIfMemoryIsShort() {
    try (Workers workers = new Workers(new ThreadTeam(2))) {
      workers.requireSegment(1000);
      workers.requireShared(500);
      assertThatThrownBy(() -> workers.requireSegment(TOO_MUCH))
          .isInstanceOf(OutOfMemoryError.class);
      assertThatThrownBy(() -> workers.requireShared(TOO_MUCH))
          .isInstanceOf(OutOfMemoryError.class);
      workers.requireSegment(1000);
      workers.requireShared(500);
      assertThat(workers.segment(0).byteSize()).isGreaterThanOrEqualTo(1000);
      assertThat(workers.segment(1).byteSize()).isGreaterThanOrEqualTo(1000);
      assertThat(workers.shared().byteSize()).isGreaterThanOrEqualTo(500);
    }
  }

  @Test
  void allMembersGetLongerArraysOrNone() {
    try (Workers workers = new Workers(new ThreadTeam(2))) {
      workers.requireArray(3, 100);
      workers.requireArray(3, 50);
      assertThat(workers.array(3, 0)).hasSize(100);
      assertThat(workers.array(3, 1)).hasSize(100).isNotSameAs(workers.array(3, 0));
    }
  }
}

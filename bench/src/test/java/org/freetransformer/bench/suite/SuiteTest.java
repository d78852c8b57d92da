package org.freetransformer.bench.suite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.bench.libtorch.TorchLlama;
import org.freetransformer.bench.openblas.OpenBlas;
import org.freetransformer.model.Baseline;
import org.freetransformer.tensor.Engine;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SuiteTest {
  /** Suite and case. */
  private static final String[][] SMALL_CASES = {
    {"gemm", "tt 33x17x65"},
    {"gemm", "nt 1x64x64"},
    {"kernels", "rmsnorm"},
    {"kernels", "rope"},
    {"kernels", "dropout"},
    {"kernels", "free-bits kl"},
    {"kernels", "plan sampling"},
    {"gpu", "gemm nn 17x16x15"},
    {"gpu", "kernels rmsnorm"}
  };

  @Test
  void aQuickRunTakesCasesOfAThoroughOne() {
    for (Suite suite : Suites.ALL) {
      assertThat(suite.cases()).as(suite.name()).containsAll(suite.quickCases());
      assertThat(Suites.named(suite.name())).isSameAs(suite);
    }
  }

  @Test
  void oursAndTheLimitOfSmallCasesRun() {
    for (String[] one : SMALL_CASES) {
      try (Contest contest = open(one)) {
        contest.ours().run();
        contest.limits().forEach(Runnable::run);
        assertThat(contest.limits()).isNotEmpty();
        assertThat(contest.amount()).isPositive();
      }
    }
  }

  @Test
  void libtorchRunsSmallCases() {
    assumeTrue(Libtorch.whyMissing().isEmpty(), () -> Libtorch.whyMissing().orElseThrow());
    for (String[] one : SMALL_CASES) {
      try (Contest contest = open(one)) {
        assertThat(contest.peers()).isNotEmpty();
        contest.peers().forEach(Runnable::run);
      }
    }
  }

  @Test
  void openBlasRunsSmallProducts() {
    assumeTrue(OpenBlas.whyMissing().isEmpty(), () -> OpenBlas.whyMissing().orElseThrow());
    for (String[] one : SMALL_CASES) {
      if (one[0].equals("gemm")) {
        try (Contest contest = open(one)) {
          run(contest.other());
        }
      }
    }
  }

  private static Contest open(String... one) {
    return Suites.named(one[0]).open(one[1], Place.cpu(2));
  }

  private static void run(@Nullable Runnable side) {
    assertThat(side).isNotNull();
    side.run();
  }

  @Test
  void everyCaseOfADeviceIsOneOfAnotherSuite() {
    List<String> others =
        Suites.ALL.stream()
            .flatMap(suite -> suite.cases().stream().map(name -> suite.name() + " " + name))
            .toList();
    assertThat(others).contains("gemm nt 1x4096x4096");
    assertThat(Suites.named("gpu").cases())
        .filteredOn(name -> !name.contains("124M")) // Too long for the processor's suite.
        .isSubsetOf(others);
  }

  @Test
  void pyTorchKnowsEveryCaseOfADevice() {
    for (String name : new GpuSuite().cases()) {
      assertThat(PyTorchPeers.words(name)).hasSizeGreaterThan(1).doesNotContain("");
    }
    assertThat(PyTorchPeers.words("gemm nt 1x2x3")).containsExactly("gemm", "nt", "1", "2", "3");
  }

  /** So that its steps are as long, and as large, as those that our weights begin. */
  @Test
  void libtorchsOwnModelHasTheParametersOfOurs() {
    assumeTrue(Libtorch.whyMissing().isEmpty(), () -> Libtorch.whyMissing().orElseThrow());
    StepCase shape = StepCase.named(StepSide.TINY);
    try (Engine engine = Place.cpu(1).engine();
        NDManager manager = Libtorch.newManager()) {
      Baseline ours = new Baseline(engine, shape.config());
      TorchLlama copy = TorchLlama.copyOf(manager, shape.torch(), ours.parameters());
      TorchLlama own = TorchLlama.random(manager, shape.torch(), shape.inner(), shape.vocabulary());
      assertThat(shapes(own)).containsExactlyEntriesOf(shapes(copy));
    }
  }

  private static Map<String, Shape> shapes(TorchLlama model) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    model.parameters().forEach((name, values) -> shapes.put(name, values.getShape()));
    return shapes;
  }

  @Test
  void saysWhichFailureEndedTheRanks() {
    IllegalStateException broken = new IllegalStateException("broken");
    StandingRanks ranks =
        new StandingRanks(
            2,
            group ->
                new StandingRanks.Part() {
                  @Override
                  public void run() {
                    if (group.rank() == 1) {
                      throw broken;
                    }
                  }

                  @Override
                  public void close() {}
                });
    assertThatThrownBy(
            () -> {
              ranks.run();
              ranks.run();
            })
        .hasMessage("a rank failed")
        .hasRootCause(broken);
    ranks.close();
  }

  @Test
  void saysThatACaseIsUnknown() {
    for (Suite suite : Suites.ALL) {
      assertThatThrownBy(() -> suite.open("nonsense", Place.cpu(1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no case of suite " + suite.name() + " is named 'nonsense'");
    }
  }
}

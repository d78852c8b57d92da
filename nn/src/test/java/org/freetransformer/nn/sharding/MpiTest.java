package org.freetransformer.nn.sharding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.freetransformer.nn.sharding.MpiLauncher.Result;
import org.freetransformer.nn.sharding.TinyTraining.Task;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Real processes under mpirun, where it is installed. */
class MpiTest {
  private static Result mpirun(MpiLauncher launcher, int ranks, String... arguments)
      throws IOException, InterruptedException {
    assumeTrue(launcher.isInstalled(), launcher.missing());
    // Their lives are too short for the optimizing compiler.
    List<String> options = List.of("-XX:TieredStopAtLevel=1");
    return launcher.run(ranks, options, MpiRank.class, List.of(arguments));
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI, 2", "OPEN_MPI, 4", "MPICH, 2", "MPICH, 4"})
  void processesTrainToTheBitsOfThreads(MpiLauncher launcher, int ranks)
      throws IOException, InterruptedException {
    Result result = mpirun(launcher, ranks, "train");
    assertThat(result.output()).contains("FULL_SHARD 0");
    assertThat(result.code()).as(result.output()).isZero();
    for (Strategy strategy : List.of(Strategy.FULL_SHARD, Strategy.HYBRID_SHARD)) {
      ShardingPlan plan = ShardingPlan.of(strategy).withNodeRanks(2);
      List<String> threads =
          InProcessRanks.run(
              ranks,
              group -> {
                try (TinyTraining training = new TinyTraining(group, plan, Task.of(4))) {
                  return strategy + " " + group.rank() + " " + training.train(5);
                }
              });
      assertThat(result.output().lines()).containsAll(threads);
    }
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI, throw", "OPEN_MPI, kill", "MPICH, throw", "MPICH, kill"})
  void aRankThatDiesEndsTheOthersAndIsNamed(MpiLauncher launcher, String how)
      throws IOException, InterruptedException {
    Result result = mpirun(launcher, 3, how);
    assertThat(result.code()).isNotZero();
    if (launcher == MpiLauncher.MPICH && how.equals("kill")) {
      // MPICH's launcher mostly prints nothing then, and ends with the killed rank's code.
      assertThat(result.code()).as(result.output()).isEqualTo(9);
    } else {
      assertThat(result.output()).containsPattern("(?i)rank 1|1-rank|\\[\\[\\d+,1\\],1\\]");
    }
    assertThat(result.time()).isLessThan(Duration.ofSeconds(50)); // They would wait for a minute.
  }

  @Test
  void saysHowRanksAreStarted() {
    assumeTrue(
        System.getenv("OMPI_COMM_WORLD_RANK") == null && System.getenv("PMI_RANK") == null,
        "this test itself runs under mpirun");
    assertThatThrownBy(ProcessGroup::mpi)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("start it with mpirun");
  }
}

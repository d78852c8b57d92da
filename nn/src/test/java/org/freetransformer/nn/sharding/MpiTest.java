package org.freetransformer.nn.sharding;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.nn.sharding.TinyTraining.Task;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Real processes under mpirun, where it is installed. */
class MpiTest {
  private record Result(int code, String output, Duration time) {}

  /** The launchers of the two libraries, by their names where both are installed. */
  enum Launcher {
    OPEN_MPI("mpirun.openmpi", "openmpi-bin"),
    MPICH("mpirun.mpich", "mpich");

    final String program;
    final String debianPackage;

    Launcher(String program, String debianPackage) {
      this.program = program;
      this.debianPackage = debianPackage;
    }

    List<String> arguments() {
      return this == OPEN_MPI ? List.of("--oversubscribe") : List.of();
    }

    boolean isInstalled() {
      return Stream.of(System.getenv("PATH").split(":"))
          .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }
  }

  private static Result mpirun(Launcher launcher, int ranks, String... arguments)
      throws IOException, InterruptedException {
    assumeTrue(
        launcher.isInstalled(),
        "%s is missing; on Debian: apt-get install %s"
            .formatted(launcher.program, launcher.debianPackage));
    List<String> command = new ArrayList<>(List.of(launcher.program, "-n", String.valueOf(ranks)));
    command.addAll(launcher.arguments());
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(
        List.of(
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1", // Their lives are too short for the optimizing compiler.
            "-cp",
            System.getProperty("java.class.path"),
            MpiRank.class.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("OMPI_ALLOW_RUN_AS_ROOT", "1");
    builder.environment().put("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    builder.environment().put("OMPI_MCA_hwloc_base_binding_policy", "none");
    builder.environment().put("OMPI_MCA_mpi_yield_when_idle", "1");
    long began = System.nanoTime();
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    int code = process.waitFor();
    return new Result(code, output, Duration.ofNanos(System.nanoTime() - began));
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI, 2", "OPEN_MPI, 4", "MPICH, 2", "MPICH, 4"})
  void processesTrainToTheBitsOfThreads(Launcher launcher, int ranks)
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
  void aRankThatDiesEndsTheOthersAndIsNamed(Launcher launcher, String how)
      throws IOException, InterruptedException {
    Result result = mpirun(launcher, 3, how);
    assertThat(result.code()).isNotZero();
    if (launcher == Launcher.MPICH && how.equals("kill")) {
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

package org.freetransformer.nn.sharding;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The launchers of the two MPI libraries, by their names where both are installed. For the tests of
 * other modules, too: it needs nothing but the JDK.
 */
public enum MpiLauncher {
  /** Of Open MPI. */
  OPEN_MPI("mpirun.openmpi", "openmpi-bin"),
  /** Of MPICH. */
  MPICH("mpirun.mpich", "mpich");

  private final String program;
  private final String debianPackage;

  MpiLauncher(String program, String debianPackage) {
    this.program = program;
    this.debianPackage = debianPackage;
  }

  /**
   * What came of a run.
   *
   * @param code the launcher's
   * @param output of all ranks, standard error too
   * @param time it took
   */
  public record Result(int code, String output, Duration time) {}

  /** Whether its program is on the path. */
  public boolean isInstalled() {
    return Stream.of(System.getenv("PATH").split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }

  /** What to do where it is not. */
  public String missing() {
    return "%s is missing; on Debian: apt-get install %s".formatted(program, debianPackage);
  }

  /**
   * Runs a program on this test's class path as so many ranks, and waits for its end.
   *
   * @param options more of them for each rank's JVM
   */
  public Result run(int ranks, List<String> options, Class<?> main, List<String> words)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program, "-n", String.valueOf(ranks)));
    if (this == OPEN_MPI) {
      command.add("--oversubscribe");
    }
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Xmx256m", "-XX:+UseSerialGC"));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(words);
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
}

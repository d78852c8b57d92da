package org.freetransformer.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.freetransformer.bench.suite.Unit;

/**
 * MPI's all-reduce of f32 from Java, and from C as the limit: processes that mpirun starts in turn,
 * round after round, each of which times its own calls.
 */
final class MpiAllReduce {
  /** The start of every row's name. */
  static final String NAME = "MPI all-reduce ";

  private static final long KIB = 1 << 10;
  private static final List<Long> SIZES =
      List.of(64 * KIB, 1 * KIB * KIB, 16 * KIB * KIB, 64 * KIB * KIB);

  private static final int REPEATS = 50;
  private static final double MILLI = 1e-3;
  private static final Duration MOST_TIME = Duration.ofMinutes(5);
  private static final Map<String, String> ENVIRONMENT =
      Map.of(
          "OMPI_ALLOW_RUN_AS_ROOT", "1",
          "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1",
          "OMPI_MCA_rmaps_base_oversubscribe", "1",
          "OMPI_MCA_hwloc_base_binding_policy", "none");

  private final Path folder;
  private final String launcher;
  private final int ranks;

  private MpiAllReduce(Path folder, String launcher, int ranks) {
    this.folder = folder;
    this.launcher = launcher;
    this.ranks = ranks;
  }

  /** What is missing to measure, for people; empty if nothing is. */
  static Optional<String> whyMissing() {
    return suffix().isPresent()
        ? Optional.empty()
        : Optional.of(
            "mpicc or mpirun is missing, so there is no C to compare with; on Debian: apt-get"
                + " install libopenmpi-dev");
  }

  /** What follows {@code mpicc} and {@code mpirun} in the names of one installed MPI's. */
  private static Optional<String> suffix() {
    return Stream.of(".openmpi", ".mpich", "")
        .filter(suffix -> isOnPath("mpicc" + suffix) && isOnPath("mpirun" + suffix))
        .findFirst();
  }

  private static boolean isOnPath(String program) {
    String path = Objects.requireNonNullElse(System.getenv("PATH"), "");
    return Stream.of(path.split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }

  /**
   * A row for each size.
   *
   * @throws IllegalStateException with what was said, if a process fails
   */
  static List<Row> measure(int ranks, Effort effort) throws IOException {
    String suffix = suffix().orElseThrow();
    Path folder = Files.createTempDirectory("ft-mpi");
    try {
      MpiAllReduce measuring = new MpiAllReduce(folder, "mpirun" + suffix, ranks);
      measuring.compile("mpicc" + suffix);
      return measuring.rows(effort.forks() * effort.rounds());
    } finally {
      Files.deleteIfExists(folder.resolve("allreduce.c"));
      Files.deleteIfExists(folder.resolve("allreduce"));
      Files.delete(folder);
    }
  }

  private void compile(String compiler) throws IOException {
    try (InputStream source = MpiAllReduce.class.getResourceAsStream("allreduce.c")) {
      Files.copy(Objects.requireNonNull(source), folder.resolve("allreduce.c"));
    }
    String program = folder.resolve("allreduce").toString();
    said(List.of(compiler, "-O2", "-o", program, folder.resolve("allreduce.c").toString()));
  }

  private List<Row> rows(int count) throws IOException {
    Map<Long, List<Row.Round>> rounds = new LinkedHashMap<>();
    SIZES.forEach(size -> rounds.put(size, new ArrayList<>()));
    for (int i = 0; i < count; i++) {
      boolean javaFirst = i % 2 == 1; // What the one before left of clocks serves each side.
      Map<Long, Double> before = javaFirst ? seconds(javaRank()) : Map.of();
      Map<Long, Double> c = seconds(List.of(folder.resolve("allreduce").toString()));
      Map<Long, Double> java = javaFirst ? before : seconds(javaRank());
      rounds.forEach((size, all) ->
          all.add(
              new Row.Round(
                  Objects.requireNonNull(java.get(size)),
                  0,
                  0,
                  Objects.requireNonNull(c.get(size)),
                  0)));
    }
    return rounds.entrySet().stream().map(entry -> row(entry.getKey(), entry.getValue())).toList();
  }

  private Row row(long bytes, List<Row.Round> rounds) {
    String size = bytes < KIB * KIB ? bytes / KIB + " KiB" : bytes / KIB / KIB + " MiB";
    return Row.of("shard", NAME + size, ranks, Unit.GIGABYTES, (double) bytes, 0, rounds);
  }

  private static List<String> javaRank() {
    return List.of(
        ChildProcess.java(),
        "--enable-native-access=ALL-UNNAMED",
        "--add-modules=jdk.incubator.vector",
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-cp",
        System.getProperty("java.class.path"),
        AllReduceRank.class.getName());
  }

  /** What ranks of a program found for each size. */
  private Map<Long, Double> seconds(List<String> program) throws IOException {
    List<String> command = new ArrayList<>(List.of(launcher, "-n", Integer.toString(ranks)));
    command.addAll(program);
    command.add(Integer.toString(REPEATS));
    SIZES.forEach(size -> command.add(size.toString()));
    Map<Long, Double> found = new LinkedHashMap<>();
    for (String line : said(command).lines().toList()) {
      String[] words = line.split(" ", -1);
      if (words.length == 2 && words[0].chars().allMatch(Character::isDigit)) {
        found.put(Long.parseLong(words[0]), MILLI * Double.parseDouble(words[1]));
      }
    }
    if (!found.keySet().containsAll(SIZES)) {
      throw new IllegalStateException("%s told %s".formatted(program.getFirst(), found));
    }
    return found;
  }

  private static String said(List<String> command) throws IOException {
    return ChildProcess.said(command.getFirst(), command, ENVIRONMENT, MOST_TIME);
  }
}

package org.freetransformer.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CancellationException;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Limits;
import org.freetransformer.nn.sharding.InProcessRanks;
import org.freetransformer.nn.sharding.ProcessGroup;
import org.freetransformer.nn.sharding.RankFailure;
import org.freetransformer.run.FileProblems;
import org.freetransformer.train.Ranks;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How many ranks train together, and what they are. */
final class RankOptions {
  private static final String MPI = "mpi";

  @Option(
      names = "--ranks",
      paramLabel = "N",
      description =
          "Splits model and batches over N ranks of this process, 1 to "
              + InProcessRanks.MOST
              + ", as training.fsdp_config says; --threads is then each rank's.")
  private @Nullable Integer ranks;

  @Option(
      names = "--distributed",
      paramLabel = "HOW",
      description = "mpi: this process is one of the ranks that mpirun started.")
  private @Nullable String distributed;

  /** What each rank does. */
  @FunctionalInterface
  interface Work {
    void as(Ranks ranks) throws IOException;
  }

  /**
   * Ranks that share this machine's processors.
   *
   * @throws ConfigException if an option is wrong
   */
  int onThisMachine() {
    require();
    if (distributed == null) {
      return ranks == null ? 1 : ranks;
    }
    String open = System.getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    String local = open == null ? System.getenv("MPI_LOCALNRANKS") : open;
    return local != null && local.matches("[1-9]\\d{0,5}") ? Integer.parseInt(local) : 1;
  }

  private void require() {
    if (distributed != null && !distributed.equals(MPI)) {
      throw new ConfigException(
          "--distributed", "'%s' is unknown; allowed is mpi".formatted(distributed));
    }
    if (distributed != null && ranks != null) {
      throw new ConfigException(
          "--ranks",
          "is for ranks of one process; with --distributed mpi, mpirun -n says how many");
    }
    if (ranks != null) {
      Limits.between("--ranks", ranks, 1, InProcessRanks.MOST);
    }
  }

  /**
   * Does the work of every rank of this process, and waits for all.
   *
   * @throws IllegalStateException naming the rank that failed, unless it was the input that was
   *     bad, or Ctrl-C that ended it
   */
  void run(Work work, Output output) throws IOException {
    require();
    if (distributed != null) {
      runUnderMpi(work, output);
    } else if (ranks == null) {
      work.as(Ranks.ONE);
    } else {
      runInProcess(work, ranks);
    }
  }

  private static void runInProcess(Work work, int count) throws IOException {
    try {
      InProcessRanks.run(
          count,
          group -> {
            try {
              work.as(Ranks.of(group));
              return group.rank();
            } catch (IOException failure) {
              throw new UncheckedIOException(failure);
            }
          });
    } catch (RankFailure failure) {
      throw switch (failure.getCause()) {
        case IllegalArgumentException badInput -> badInput;
        case CancellationException stopped -> stopped;
        case UncheckedIOException io when io.getCause() != null ->
            new IllegalStateException(
                "rank %d failed: %s"
                    .formatted(failure.rank(), FileProblems.describe(io.getCause())),
                failure);
        case null, default -> failure;
      };
    }
  }

  private static void runUnderMpi(Work work, Output output) throws IOException {
    ProcessGroup group = ProcessGroup.mpi();
    try {
      work.as(Ranks.of(group));
      group.close();
    } catch (IOException | RuntimeException | Error failure) {
      // Bad input fails on all ranks at once: let the first one tell, and end the others.
      pause(group.rank() == 0 ? 0 : 500);
      output.problem(String.valueOf(new RankFailure(group.rank(), failure).getMessage()));
      group.abort(failure);
      throw failure;
    }
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

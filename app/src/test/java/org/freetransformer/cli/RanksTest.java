package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.nn.sharding.MpiLauncher;
import org.freetransformer.run.FileTree;
import org.freetransformer.run.MetricsFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ft train} on several ranks. */
class RanksTest {
  private static final String[] SIX_MICRO_BATCHES = {
    "--set", "training.batch_size=1", "--set", "training.gradient_accumulation_steps=6"
  };

  @TempDir private static Path shared;

  /** Runs of one rank and of two, which no test changes. */
  private static Path one;

  private static Path two;

  @TempDir private Path folder;

  @BeforeAll
  static void train() throws IOException {
    one = TinyRun.trained(Files.createDirectory(shared.resolve("one")), SIX_MICRO_BATCHES);
    two = trained(Files.createDirectory(shared.resolve("two")), 2);
  }

  private static Path trained(Path folder, int ranks, String... more) throws IOException {
    List<String> words = new ArrayList<>(List.of(SIX_MICRO_BATCHES));
    words.addAll(List.of("--threads", "1", "--ranks", String.valueOf(ranks)));
    words.addAll(List.of(more));
    return TinyRun.trained(folder, words.toArray(String[]::new));
  }

  private static Path weights(Path run) {
    return run.resolve("checkpoints/step-4/model.safetensors");
  }

  @Test
  void aRunMayGoOnWithAnotherNumberOfRanks() throws IOException {
    Path many = FileTree.copy(two, folder.resolve("run"));
    assertThat(weights(many)).hasSameBinaryContentAs(weights(one));
    assertThat(losses(many)).isEqualTo(losses(one));
    TinyRun.deleteStep(many, 4);
    // As a crash leaves it in the moment in which a checkpoint is replaced.
    Path checkpoints = many.resolve("checkpoints");
    Files.move(checkpoints.resolve("step-2"), checkpoints.resolve(".step-2.replaced"));
    Outcome resumed = ft("train", "--resume", "--out", many, "--ranks", "3", "--threads", "1");
    assertThat(resumed.code()).as(resumed.err()).isZero();
    assertThat(resumed.err()).containsOnlyOnce("going on after step 2");
    assertThat(resumed.err())
        .containsPattern("train: 4 of 4 steps.*; rank . was the slowest, rank .");
    assertThat(resumed.out()).containsOnlyOnce("done after 4 steps").contains("was the slowest");
    assertThat(weights(many)).hasSameBinaryContentAs(weights(one));
    assertThat(losses(many)).isEqualTo(losses(one));
  }

  @Test
  void aCheckpointOfSeveralRanksBecomesOneFile() throws IOException {
    Path run = trained(folder, 3);
    Path file = folder.resolve("one.safetensors");
    JsonNode told = ft("checkpoint", "consolidate", run, file, "--json").json();
    assertThat(told.path("written").asText()).isEqualTo(file.toString());
    assertThat(told.path("from").asText()).endsWith("step-4");
    assertThat(file).hasSameBinaryContentAs(weights(run));
    Object[] same = {"--threads", "1", "--json"};
    assertThat(ft("eval", "--checkpoint", file, same[0], same[1], same[2]).json())
        .isEqualTo(ft("eval", "--run", run, same[0], same[1], same[2]).json());
    String best = run.resolve("checkpoints/best").toRealPath().getFileName().toString();
    Path bestFile = folder.resolve("best.safetensors");
    assertThat(ft("checkpoint", "consolidate", run, bestFile, "--best").out()).contains(best);
  }

  @Test
  void whatIsNoWholeCheckpointIsNotConsolidated() throws IOException {
    Path run = FileTree.copy(two, folder.resolve("run"));
    Path file = folder.resolve("one.safetensors");
    ft("checkpoint", "consolidate", run, folder.resolve("one.pt")).refused("end with .safetensors");
    ft("checkpoint", "consolidate", folder.resolve("none"), file).refused("none");
    Files.writeString(file, "taken");
    ft("checkpoint", "consolidate", run, file).refused("exists already");
    Files.delete(file);
    byte[] bytes = Files.readAllBytes(weights(run));
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights(run), bytes);
    ft("checkpoint", "consolidate", weights(run).resolveSibling(""), file).refused("is damaged");
    TinyRun.deleteStep(run, 2);
    ft("checkpoint", "consolidate", run, file).refused("is damaged");
    assertThat(folder).isDirectoryNotContaining(path -> path.toString().contains("one."));
  }

  private static List<Double> losses(Path run) throws IOException {
    return MetricsFile.read(run.resolve("metrics.jsonl")).stream()
        .map(line -> line.path("loss").asDouble())
        .toList();
  }

  @Test
  void tellsHowLongEachRankWaited() throws IOException {
    List<String> words = new ArrayList<>(List.of(SIX_MICRO_BATCHES));
    words.addAll(List.of("--threads", "1", "--ranks", "2", "--json"));
    words.addAll(List.of("--set", "training.use_fsdp=false"));
    JsonNode result = TinyRun.train(folder, words.toArray(String[]::new)).json();
    assertThat(result.path("rank_waits")).hasSize(2);
    for (JsonNode line : MetricsFile.read(folder.resolve("run/metrics.jsonl"))) {
      assertThat(line.path("rank_waits")).hasSize(2);
    }
    assertThat(TrainingDisplay.waits(List.of(1.5, 0.2, 2.0)))
        .isEqualTo("rank 1 was the slowest, rank 2 waited longest, 2.0 s");
    assertThat(result.path("tokens").asInt()).isEqualTo(4 * 6 * 64);
  }

  /** Writing takes a rank with all of the model. */
  @Test
  void samplesAreWrittenWhereARankHasTheWholeModel() throws IOException {
    Path copies =
        trained(
            Files.createDirectory(folder.resolve("copies")), 2, "--set=training.use_fsdp=false");
    assertThat(copies.resolve("samples/step-4.json"))
        .hasSameBinaryContentAs(one.resolve("samples/step-4.json"));
    List<String> words = new ArrayList<>(List.of(SIX_MICRO_BATCHES));
    words.addAll(List.of("--threads", "1", "--ranks", "2"));
    Outcome sharing = TinyRun.train(folder, words.toArray(String[]::new));
    assertThat(sharing.err()).containsOnlyOnce("no samples are written");
    assertThat(folder.resolve("run/samples")).isEmptyDirectory();
    assertThat(weights(folder.resolve("run"))).hasSameBinaryContentAs(weights(one));
  }

  @Test
  void refusesRanksThatCannotBe() throws IOException {
    TinyRun.train(folder, "--ranks", "0").refused("--ranks", "nearest is 1");
    TinyRun.train(folder, "--ranks", "3")
        .refused("1 micro-batches a step cannot be dealt out to 3 ranks", "multiples of 3");
    TinyRun.train(folder, "--ranks", "2").refused("gradient_accumulation_steps 2 and batch_size 2");
    String offload = "training.fsdp_config.cpu_offload=true";
    TinyRun.train(folder, "--set", offload)
        .refused("training.fsdp_config.cpu_offload: ", "the shards are in its memory already");
    TinyRun.train(folder, "--ranks", "1", "--set", offload).refused("the shards are in its memory");
    TinyRun.train(folder, "--set", offload, "--set", "training.use_fsdp=false")
        .refused("needs use_fsdp");
    TinyRun.train(folder, "--distributed", "gloo").refused("'gloo' is unknown; allowed is mpi");
    TinyRun.train(folder, "--distributed", "mpi", "--ranks", "2").refused("mpirun -n");
    TinyRun.train(folder, "--distributed", "mpi").refused("start it with mpirun");
    assertThat(folder.resolve("run")).doesNotExist();
  }

  @Test
  void aFileThatCannotBeWrittenIsToldWithItsRank() throws IOException {
    Path inTheWay = folder.resolve("run/environment.json");
    Files.createDirectories(inTheWay);
    List<String> words = new ArrayList<>(List.of(SIX_MICRO_BATCHES));
    words.addAll(List.of("--threads", "1", "--ranks", "2", "--quiet"));
    Outcome outcome = TinyRun.train(folder, words.toArray(String[]::new));
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err())
        .hasLineCount(1)
        .startsWith("ft train: rank 0 failed: cannot write " + inTheWay);
  }

  @Test
  void processesUnderMpirunTrainAsThreadsDo() throws IOException, InterruptedException {
    assumeTrue(MpiLauncher.OPEN_MPI.isInstalled(), MpiLauncher.OPEN_MPI.missing());
    List<String> words = new ArrayList<>(List.of("train"));
    words.addAll(List.of("--config", TinyRun.config(folder).toString(), "--distributed", "mpi"));
    words.addAll(List.of("--out", folder.resolve("run").toString()));
    words.addAll(List.of(SIX_MICRO_BATCHES));
    MpiLauncher.Result result = MpiLauncher.OPEN_MPI.run(2, List.of(), Main.class, words);
    assertThat(result.code()).as(result.output()).isZero();
    assertThat(result.output()).containsOnlyOnce("done after 4 steps");
    assertThat(weights(folder.resolve("run"))).hasSameBinaryContentAs(weights(two));
  }
}

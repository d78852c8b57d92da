package org.freetransformer.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.FileWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.run.FolderLock;
import org.freetransformer.run.OpenFiles;
import org.freetransformer.run.OwnJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Disks that are full, folders that cannot be written, and Ctrl-C in the middle. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "uses /dev/full, tmpfs and kill")
@Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TroubleTest {
  private static final int BLOCK = 512;

  @TempDir private Path folder;

  private static int run(String... words) throws IOException, InterruptedException {
    return new ProcessBuilder(words)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }

  @Test
  void aFullDiskBehindStandardOutputIsNoSuccess() throws IOException {
    StringWriter err = new StringWriter();
    int code =
        Main.commandLine()
            .setOut(new PrintWriter(new FileWriter("/dev/full", UTF_8)))
            .setErr(new PrintWriter(err, true))
            .execute("devices");
    assertThat(code).isEqualTo(1);
    assertThat(err.toString()).hasLineCount(1).contains("standard output");
  }

  /** In this process nothing stands between a command and the file; the real System.out does. */
  @Test
  void aFullDiskBehindTheStandardOutputOfAProcessIsNoSuccess() throws Exception {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.exists(full), "skipped: there is no /dev/full here");
    for (String word : List.of("devices", "--version")) {
      ProcessBuilder builder = new ProcessBuilder(CommandLineTester.ownProcess());
      builder.command().add(word);
      Process process = builder.redirectOutput(full.toFile()).start();
      String err = new String(process.getErrorStream().readAllBytes(), UTF_8);
      assertThat(process.waitFor()).as(word + ": " + err).isEqualTo(1);
      assertThat(err).contains("standard output cannot be written");
    }
  }

  @Test
  void aFolderThatCannotBeWrittenIsRefused() throws IOException {
    ft("train", "--config", TinyRun.config(folder), "--out", "/proc/ft-run")
        .refused("/proc/ft-run", "cannot be written");
    ft("demo", "--quick", "--out", "/proc/ft-demo").refused("/proc/ft-demo", "cannot be written");
  }

  @Test
  void aDiskThatFillsUpLeavesTheCheckpointsBeforeWhole() throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    int mounted = run("mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", disk.toString());
    assumeTrue(mounted == 0, "skipped: only root can mount a small disk to fill");
    try {
      Path run = disk.resolve("run");
      Outcome outcome =
          ft(
              "train",
              "--config",
              TinyRun.config(folder),
              "--out",
              run,
              "--quiet",
              "--set",
              "training.save_every=1",
              "--set",
              "training.max_steps=20",
              "--set",
              "training.keep_last=20");
      assertThat(outcome.code()).isEqualTo(1);
      assertThat(outcome.out()).isEmpty();
      assertThat(outcome.err()).hasLineCount(1).contains("checkpoints/step-", "No space left");
      assertThat(ft("inspect", run, "--json").json().path("step").asInt()).isPositive();
      assertThat(outcome.err()).doesNotContain("this should not happen");
    } finally {
      assertThat(run("umount", disk.toString())).isZero();
    }
  }

  /** Metrics, a checkpoint, pictures: whatever first finds no room, the last save stays whole. */
  @Test
  void whateverFindsNoRoomTheLastSaveStays() throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    int mounted = run("mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs", disk.toString());
    assumeTrue(mounted == 0, "skipped: only root can mount a small disk to fill");
    try {
      Path run = disk.resolve("run");
      assertThat(ft("train", "--config", TinyRun.config(folder), "--out", run, "--quiet").code())
          .isZero();
      int checkpoint = kibibytes(run.resolve("checkpoints/step-4"));
      // Steps without a save fill the metrics and their copy for TensorBoard; a save needs more;
      // pictures come after the last
      // save.
      requireFullDisk(run, 0, 1, "run/config.yaml");
      requireFullDisk(run, 8, 80, "cannot write " + run);
      requireFullDisk(run, checkpoint / 2, 2, "run/checkpoints/step-6");
      requireFullDisk(run, checkpoint + 16, 2, "run/plots/training.png");
      assertThat(ft("train", "--resume", "--out", run, "--quiet").code()).isZero();
    } finally {
      assertThat(run("umount", disk.toString())).isZero();
    }
  }

  /** The same without a disk: it is a file that finds no room. */
  @Test
  void whateverMayNotGrowTheLastSaveStays() throws Exception {
    Path run = TinyRun.trained(folder, "--quiet");
    requireShortFiles(run, 1, 1, "run/config.yaml"); // Half a KiB.
    requireShortFiles(run, 16, 80, "cannot write " + run); // Metrics, or TensorBoard's copy.
    long picture = Files.size(run.resolve("plots/training.png"));
    long moments = Files.size(run.resolve("checkpoints/step-4/optimizer.safetensors"));
    assertThat(moments).isGreaterThan(picture * 3 / 2);
    requireShortFiles(run, (int) (picture + moments) / 2 / BLOCK, 2, "run/checkpoints/step-6");
    assertThat(ft("train", "--resume", "--out", run, "--quiet").code()).isZero();
  }

  /** It comes after the save. */
  @Test
  void aPictureThatMayNotGrowIsTheOnlyLoss() throws Exception {
    Path run =
        TinyRun.trained(folder, "--quiet", "--set=model.hidden_dim=4", "--set=model.latent_dim=1");
    long picture = Files.size(run.resolve("plots/training.png"));
    long moments = Files.size(run.resolve("checkpoints/step-4/optimizer.safetensors"));
    assertThat(moments).isLessThan(picture * 2 / 3);
    requireShortFiles(run, (int) (picture + moments) / 2 / BLOCK, 2, "run/plots/training.png");
    assertThat(newestStep(run)).isEqualTo(6);
  }

  /** Goes on with a run for some steps where no file may have more than so many blocks. */
  private void requireShortFiles(Path run, int blocks, int steps, String lost) throws Exception {
    int before = newestStep(run);
    List<String> words = CommandLineTester.ownProcess(OwnJvm.withFilesUpTo(blocks));
    Stream.of(goingOn(run, before + steps)).map(Object::toString).forEach(words::add);
    Process process = new ProcessBuilder(words).start();
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), UTF_8);
    Outcome outcome = new Outcome(process.waitFor(), out, err.replaceAll("WARNING: .*\\R", ""));
    requireLost(outcome, run, before, lost, "file too large");
  }

  private static Object[] goingOn(Path run, int maxSteps) {
    return new Object[] {
      "train",
      "--resume",
      "--out",
      run,
      "--quiet",
      "--set",
      "training.max_steps=" + maxSteps,
      "--set",
      "training.save_every=1000",
      "--set",
      "training.eval_every=1000"
    };
  }

  /** Goes on with a run for some steps on a disk with so many KiB left. */
  private static void requireFullDisk(Path run, int room, int steps, String lost)
      throws IOException {
    Path ballast = run.resolveSibling("ballast");
    Files.write(ballast, new byte[(int) run.toFile().getUsableSpace() - 1024 * room]);
    int before = newestStep(run);
    Outcome outcome = ft(goingOn(run, before + steps));
    Files.delete(ballast);
    requireLost(outcome, run, before, lost, "no space left");
  }

  private static void requireLost(
      Outcome outcome, Path run, int before, String lost, String reason) {
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).hasLineCount(1).contains(lost).containsIgnoringCase(reason);
    JsonNode checkpoints = ft("inspect", run, "--json").json().path("checkpoints");
    assertThat(checkpoints).allMatch(one -> one.path("problem").isNull());
    assertThat(newestStep(run)).isGreaterThanOrEqualTo(before);
  }

  /** Room that a folder's files take, in whole pages. */
  private static int kibibytes(Path folder) throws IOException {
    int pages = 0;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        pages += Math.ceilDiv((int) Files.size(file), 4096);
      }
    }
    return 4 * pages;
  }

  private static int newestStep(Path run) {
    return ft("inspect", run, "--json").json().path("step").asInt();
  }

  @Test
  void aFolderIsLockedUntilItsProcessDiesHoweverItDies() throws Exception {
    Path run = folder.resolve("run");
    Process process = startEndlessTraining(run, folder.resolve("out"));
    try {
      Outcome second = ft("train", "--resume", "--out", run);
      second.refused("is in use by process " + process.pid() + " since 2", "name another");
      ft("train", "--config", TinyRun.config(folder), "--out", run).refused("is in use");
    } finally {
      process.destroyForcibly().waitFor();
    }
    FolderLock.take(run, _ -> {}).close();
  }

  private Process startEndlessTraining(Path run, Path out, String... more) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(CommandLineTester.ownProcess());
    builder
        .command()
        .addAll(
            List.of(
                "train",
                "--config",
                TinyRun.config(folder).toString(),
                "--out",
                run.toString(),
                "--set",
                "training.max_steps=1000000",
                "--set",
                "training.save_every=1000000",
                "--set",
                "training.eval_every=1000000"));
    builder.command().addAll(List.of(more));
    Process process = builder.redirectErrorStream(true).redirectOutput(out.toFile()).start();
    while (process.isAlive() && !Files.exists(run.resolve("metrics.jsonl"))) {
      Thread.sleep(20);
    }
    return process;
  }

  @Test
  void controlCSavesTheStateAndEndsWith130() throws Exception {
    Path run = folder.resolve("run");
    Path out = folder.resolve("out");
    Process process = startEndlessTraining(run, out);
    try {
      OwnJvm.interrupt(process);
      assertThat(process.waitFor()).as(Files.readString(out)).isEqualTo(130);
    } finally {
      process.destroyForcibly();
    }
    assertThat(out).content().contains("stopping after this step", "stopped after");
    assertThat(ft("inspect", run, "--json").json().path("step").asInt()).isPositive();
  }

  @Test
  void aRunThatCannotBeginLeavesNoFileOpen() throws IOException {
    Path run = folder.toRealPath().resolve("run");
    Files.createDirectories(run.resolve("evaluations.jsonl"));
    Outcome outcome = ft("train", "--config", TinyRun.config(folder), "--out", run, "--quiet");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err()).hasLineCount(1).contains("evaluations.jsonl: is a folder");
    assertThat(run.resolve("metrics.jsonl")).isEmptyFile();
    assertThat(OpenFiles.all()).isNotEmpty().noneMatch(file -> file.startsWith(run));
  }

  /** The memory that stands for a file is gone with it, which the JVM tells by an Error. */
  @Test
  void aRunWhoseDataIsCutShortFailsAndDoesNotWaitForEver() throws Exception {
    Path data = folder.resolve("data");
    String[] synthetic = {
      "--set", "data.dataset_name=synthetic",
      "--set", "data.synthetic_vocab_size=29",
      "--set", "data.synthetic_seq_length=9",
      "--set", "data.num_train_samples=20000",
      "--set", "data.data_dir=" + data
    };
    List<Object> generate = new ArrayList<>(List.of("data", "generate", "--out", data));
    generate.addAll(List.of("--config", TinyRun.config(folder)));
    generate.addAll(List.of(synthetic));
    assertThat(ft(generate.toArray()).code()).isZero();
    Path out = folder.resolve("out");
    Process process = startEndlessTraining(folder.resolve("run"), out, synthetic);
    try (FileChannel sequences =
        FileChannel.open(data.resolve("train.pt"), StandardOpenOption.WRITE)) {
      sequences.truncate(0);
      assertThat(process.waitFor()).as(Files.readString(out)).isEqualTo(1);
    } finally {
      process.destroyForcibly();
    }
    assertThat(out).content().contains("ft train: a file in use cannot be read any more");
  }
}

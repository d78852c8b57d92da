package org.freetransformer.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Saves checkpoints one after another, for tests that end it in the middle or give it too small a
 * disk. Every number of checkpoint N is N.
 */
final class SavingProcess {

  private static final int ELEMENTS = 100_000;

  private SavingProcess() {}

  /** Arguments: the folder, the first step, the last step. */
  public static void main(String[] arguments) throws IOException {
    CheckpointFolder folder = new CheckpointFolder(Path.of(arguments[0]));
    for (int step = Integer.parseInt(arguments[1]);
        step <= Integer.parseInt(arguments[2]);
        step++) {
      save(folder, step, 2);
      System.out.println("saved " + step);
    }
  }

  static Checkpoint save(CheckpointFolder folder, int step, int keepLast) throws IOException {
    float[] values = new float[ELEMENTS];
    Arrays.fill(values, step);
    TensorFile file =
        new TensorFile(
            Map.of("step", Integer.toString(step)),
            List.of(
                TensorSource.of(
                    "values",
                    TensorType.F32,
                    List.of((long) ELEMENTS),
                    MemorySegment.ofArray(values))));
    CheckpointState state = state(step);
    CheckpointFiles files = new CheckpointFiles(file, file, List.of());
    return folder.save(state, files, new Retention(keepLast, 1));
  }

  /** The state of a checkpoint, whose bound falls with every step. */
  static CheckpointState state(long step) {
    return new CheckpointState(step, 64 * step, 8 * step, 42, OptionalDouble.of(1.0 / step));
  }

  /** Starts this program in a JVM of its own, after the shell command {@code before}. */
  static Process start(String before, Path folder, int first, int last) throws IOException {
    List<String> command = new ArrayList<>();
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    Collections.addAll(command, "sh", "-c", before + "; exec \"$@\"", "sh", java);
    Collections.addAll(command, "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-Xmx64m");
    Collections.addAll(command, "-cp", classes, SavingProcess.class.getName());
    Collections.addAll(command, folder.toString(), "" + first, "" + last);
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }
}

package org.freetransformer.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/**
 * Gives spoilt files to a reader, which must read them or refuse them in the documented way. Each
 * file is a function of the seed and its number, so that a failure can be repeated. {@code
 * -Dfuzz.count=N} and {@code -Dfuzz.seed=N} change how many and which.
 */
public final class Fuzzing {
  private static final int COUNT = Integer.getInteger("fuzz.count", 300);
  private static final int FIRST = Integer.getInteger("fuzz.first", 0);
  private static final long SEED = Long.getLong("fuzz.seed", 1);

  /** Makes the file of a number. */
  @FunctionalInterface
  public interface Files {
    /** The file that belongs to a random stream. */
    byte[] make(SplittableRandom random);
  }

  /** Reads a file to its last byte. */
  @FunctionalInterface
  public interface Reader {
    /** Reads it, or refuses it by an exception. */
    void read(byte[] file) throws IOException;
  }

  private Fuzzing() {}

  static byte[] resource(String name) {
    try (InputStream stream = Fuzzing.class.getResourceAsStream("/models/" + name)) {
      return Objects.requireNonNull(stream, name).readAllBytes();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  /** Mutations of one of these files. */
  public static Files mutations(List<byte[]> files, List<String> words) {
    return random -> new Mutator(random, words).mutate(files.get(random.nextInt(files.size())));
  }

  /**
   * Runs the loop and prints what came of it.
   *
   * @param allowed the exceptions by which the reader may refuse a file
   */
  public static void run(String format, Files files, Reader reader, Predicate<Throwable> allowed) {
    int refused = 0;
    long slowest = 0;
    for (int i = FIRST; i < FIRST + COUNT; i++) {
      byte[] file = files.make(new SplittableRandom(SEED * 0x9E3779B97F4A7C15L + i));
      long began = System.nanoTime();
      try {
        reader.read(file);
      } catch (Throwable problem) {
        if (!allowed.test(problem)) {
          throw new AssertionError(
              "%s file %d of seed %d (%d bytes): %s"
                  .formatted(format, i, SEED, file.length, problem),
              problem);
        }
        refused++;
      }
      slowest = Math.max(slowest, System.nanoTime() - began);
    }
    System.out.printf(
        "fuzz %s: %d files, %d refused, %d read, slowest %d ms%n",
        format, COUNT, refused, COUNT - refused, slowest / 1_000_000);
  }
}

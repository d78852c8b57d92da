package org.freetransformer.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/** Prepares tokens, slowly, with a line for every part, to be killed in the midst of it. */
final class PreparingProcess {

  private PreparingProcess() {}

  public static void main(String[] arguments) throws IOException {
    PreparationTest.preparation(Path.of(arguments[0]))
        .run(
            Path.of(arguments[1]),
            2,
            done -> {
              System.out.println(done);
              LockSupport.parkNanos(2_000_000);
            },
            () -> false);
  }
}

package org.freetransformer.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/** Files among the tests' resources. */
final class Resources {
  private Resources() {}

  /** The bytes of a model that the tests of checkpoints have. */
  static byte[] model(String name) throws IOException {
    return of("/models/" + name);
  }

  /** The bytes of a file, named from the root of the class path. */
  static byte[] of(String name) throws IOException {
    try (InputStream stream = Resources.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(stream, name).readAllBytes();
    }
  }
}

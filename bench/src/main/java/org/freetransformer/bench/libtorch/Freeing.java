package org.freetransformer.bench.libtorch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import java.util.function.Supplier;

/**
 * When arrays go. A handle of DJL's keeps its array until it is closed, where Python frees one with
 * its last use; so each operation closes what it made on the way. What a backward pass needs, the
 * tape holds for itself, and lets go as it passes.
 */
public final class Freeing {
  private Freeing() {}

  /** Runs a call and frees all arrays that it makes. */
  public static void all(Runnable call) {
    try (NDScope scope = new NDScope()) {
      scope.suppressNotUsedWarning();
      call.run();
    }
  }

  /** Runs an operation and frees all arrays that it makes, but not its result. */
  static NDArray allBut(Supplier<NDArray> operation) {
    NDArray result;
    try (NDScope scope = new NDScope()) {
      scope.suppressNotUsedWarning();
      result = operation.get();
      NDScope.unregister(result);
    }
    NDScope.register(result); // Now with the scope around, if there is one.
    return result;
  }
}

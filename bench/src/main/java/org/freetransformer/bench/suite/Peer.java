package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.function.Function;
import org.freetransformer.bench.libtorch.Libtorch;
import org.jspecify.annotations.Nullable;

/** Libtorch's side of a contest; absent where there is none for the device. */
final class Peer implements AutoCloseable {
  private final @Nullable NDManager manager;
  private final @Nullable Runnable call;

  private Peer(@Nullable NDManager manager, @Nullable Runnable call) {
    this.manager = manager;
    this.call = call;
  }

  /**
   * A side on the processor's threads; absent where ours computes elsewhere, since what DJL brings
   * of libtorch knows no other device.
   *
   * @param maker makes the operands, which belong to the manager, and the call
   */
  static Peer of(Place place, Function<NDManager, Runnable> maker) {
    if (Libtorch.whyMissing().isPresent() || !place.isProcessor()) {
      return new Peer(null, null);
    }
    Libtorch.setThreads(place.threads());
    NDManager manager = Libtorch.newManager();
    return new Peer(manager, maker.apply(manager));
  }

  /** Normal random numbers. */
  static NDArray normal(NDManager manager, long... dims) {
    return manager.randomNormal(0, 1, new Shape(dims), DataType.FLOAT32);
  }

  /** A call that frees all arrays that it makes. */
  static Runnable scoped(Runnable call) {
    return () -> {
      try (NDScope scope = new NDScope()) {
        scope.suppressNotUsedWarning();
        call.run();
      }
    };
  }

  /** A call that computes a function and the gradients of all inputs. */
  static Runnable forwardAndBackward(
      List<NDArray> inputs, NDArray dy, Function<List<NDArray>, NDArray> function) {
    return scoped(() -> {
      try (Libtorch.Tape tape = Libtorch.tape()) {
        List<NDArray> leaves = inputs.stream().map(Libtorch::leaf).toList();
        tape.backward(function.apply(leaves), dy);
      }
    });
  }

  @Nullable Runnable orNull() {
    return call;
  }

  @Override
  public void close() {
    if (manager != null) {
      manager.close();
    }
  }
}

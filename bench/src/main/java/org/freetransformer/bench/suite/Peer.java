package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.function.Function;
import org.freetransformer.bench.libtorch.Freeing;
import org.freetransformer.bench.libtorch.Libtorch;
import org.jspecify.annotations.Nullable;

/** Libtorch's side of a contest; absent where there is none for the device. */
final class Peer implements AutoCloseable {
  /** Enough that both have had a turn undisturbed. */
  private static final int TRIALS = 12;

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

  /** Whichever is faster, decided by a few calls of each in turn; the other's arrays are freed. */
  static Peer faster(Peer one, Peer other) {
    if (one.call == null || other.call == null) {
      return one;
    }
    FastestCall first = new FastestCall(one.call);
    FastestCall second = new FastestCall(other.call);
    for (int i = 0; i < TRIALS; i++) {
      first.run();
      second.run();
    }
    boolean keepsFirst = first.nanos() <= second.nanos();
    (keepsFirst ? other : one).close();
    return keepsFirst ? one : other;
  }

  /** Normal random numbers. */
  static NDArray normal(NDManager manager, long... dims) {
    return manager.randomNormal(0, 1, new Shape(dims), DataType.FLOAT32);
  }

  /** A call that frees all arrays that it makes. */
  static Runnable scoped(Runnable call) {
    return () -> Freeing.all(call);
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

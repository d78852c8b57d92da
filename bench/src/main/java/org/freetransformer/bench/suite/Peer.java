package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.freetransformer.bench.libtorch.Freeing;
import org.freetransformer.bench.libtorch.Libtorch;

/** Libtorch's side of a contest; absent where there is none for the device. */
final class Peer implements AutoCloseable {
  private final List<NDManager> managers;
  private final List<Runnable> calls;

  private Peer(List<NDManager> managers, List<Runnable> calls) {
    this.managers = managers;
    this.calls = calls;
  }

  /**
   * A side on the processor's threads; absent where ours computes elsewhere, since what DJL brings
   * of libtorch knows no other device.
   *
   * @param maker makes the operands, which belong to the manager, and the call
   */
  static Peer of(Place place, Function<NDManager, Runnable> maker) {
    if (Libtorch.whyMissing().isPresent() || !place.isProcessor()) {
      return new Peer(List.of(), List.of());
    }
    Libtorch.setThreads(place.threads());
    NDManager manager = Libtorch.newManager();
    return new Peer(List.of(manager), List.of(maker.apply(manager)));
  }

  /** Whichever is faster, round by round. */
  static Peer fasterOf(Peer one, Peer other) {
    return new Peer(both(one.managers, other.managers), both(one.calls, other.calls));
  }

  private static <T> List<T> both(List<T> some, List<T> others) {
    return Stream.concat(some.stream(), others.stream()).toList();
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

  /** Its ways to do the work, of which the fastest counts; none where it is absent. */
  List<Runnable> calls() {
    return calls;
  }

  @Override
  public void close() {
    managers.forEach(NDManager::close);
  }
}

package org.freetransformer.tensor;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.device.Storage;

/** A lifetime: the tensors made while a scope is the innermost open one are freed as it closes. */
public final class Scope implements AutoCloseable {
  private final Engine engine;
  private final String owner;
  private final List<Tensor> tensors = new ArrayList<>();
  private int nextSweep = 1024;
  private boolean closed;

  Scope(Engine engine, String owner) {
    this.engine = engine;
    this.owner = owner;
  }

  String owner() {
    return owner;
  }

  Tensor own(Tensor tensor) {
    if (tensors.size() >= nextSweep) {
      // A scope that is open for long forgets what was closed by hand.
      tensors.removeIf(old -> !old.buffer().storage().isAlive() && old.grad() == null);
      nextSweep = Math.max(nextSweep, 2 * tensors.size());
    }
    tensors.add(tensor);
    return tensor;
  }

  /**
   * Lets a tensor's memory outlive this scope: whoever called must close the tensor that is
   * returned.
   *
   * @param tensor made in this scope, or a view of one that was
   * @return the tensor itself, or, for a view, one that owns the memory
   * @throws IllegalArgumentException if its memory does not belong to this scope
   * @throws IllegalStateException if it does not because a program is being recorded
   */
  public Tensor keep(Tensor tensor) {
    Storage storage = tensor.buffer().storage();
    if (!tensors.removeIf(own -> own.owns(storage))) {
      engine.requireNotRecording("what it makes is its own; return from its body what is to last");
      throw new IllegalArgumentException(
          "scope '%s' cannot keep %s: it was made elsewhere, or kept before"
              .formatted(owner, tensor));
    }
    return tensor.owningStorage();
  }

  /**
   * Lets a tensor's memory live as long as the scope around this one: the result of a part of some
   * work, whose other tensors end with the part.
   *
   * @param tensor made in this scope, or a view of one that was
   * @return the tensor itself, or, for a view, one that owns the memory
   * @throws IllegalArgumentException if its memory does not belong to this scope
   */
  public Tensor handOver(Tensor tensor) {
    return engine.around(this).own(keep(tensor));
  }

  void freeAll() {
    tensors.reversed().forEach(Tensor::close);
    tensors.clear();
  }

  /**
   * Frees the tensors of this scope, and their gradients. Closing twice does nothing.
   *
   * @throws IllegalStateException if a scope that was opened later is still open
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    engine.leave(this);
    closed = true;
    freeAll();
  }
}

package org.freetransformer.tensor;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.device.Storage;

/** A lifetime: the tensors made while a scope is the innermost open one are freed as it closes. */
public final class Scope implements AutoCloseable {
  private final Engine engine;
  private final String owner;
  private final List<Storage> storages = new ArrayList<>();

  Scope(Engine engine, String owner) {
    this.engine = engine;
    this.owner = owner;
  }

  String owner() {
    return owner;
  }

  Storage own(Storage storage) {
    storages.add(storage);
    return storage;
  }

  /** Lets a tensor outlive this scope: whoever called must close it. */
  public Tensor keep(Tensor tensor) {
    storages.remove(tensor.buffer().storage());
    return tensor;
  }

  void freeAll() {
    for (int i = storages.size() - 1; i >= 0; i--) {
      storages.get(i).close();
    }
    storages.clear();
  }

  /** Frees the tensors of this scope. */
  @Override
  public void close() {
    engine.leave(this);
    freeAll();
  }
}

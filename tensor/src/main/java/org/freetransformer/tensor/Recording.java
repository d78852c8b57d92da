package org.freetransformer.tensor;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Storage;

/**
 * What has been recorded so far: instructions, the intermediate storages that they use, and the
 * gradients that leaves got.
 */
final class Recording {
  private final List<Instruction> instructions = new ArrayList<>();
  private final List<Storage> intermediates = new ArrayList<>();
  private final IdentityHashMap<Tensor, Tensor> gradients = new IdentityHashMap<>();

  void add(Instruction instruction) {
    instructions.add(instruction);
  }

  Storage own(Storage storage) {
    intermediates.add(storage);
    return storage;
  }

  void madeGradient(Tensor leaf, Tensor gradient) {
    gradients.put(leaf, gradient);
  }

  /** Without a program, nothing writes the gradients that were made for it. */
  void discard() {
    gradients.forEach((leaf, gradient) -> {
      if (leaf.grad() == gradient) {
        leaf.setGrad(null);
      }
      gradient.close();
    });
  }

  List<Instruction> instructions() {
    return instructions;
  }

  List<Storage> intermediates() {
    return intermediates;
  }
}

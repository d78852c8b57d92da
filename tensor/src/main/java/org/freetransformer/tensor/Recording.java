package org.freetransformer.tensor;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Storage;

/** What has been recorded so far: instructions, and the intermediate storages that they use. */
final class Recording {
  private final List<Instruction> instructions = new ArrayList<>();
  private final List<Storage> intermediates = new ArrayList<>();

  void add(Instruction instruction) {
    instructions.add(instruction);
  }

  Storage own(Storage storage) {
    intermediates.add(storage);
    return storage;
  }

  List<Instruction> instructions() {
    return instructions;
  }

  List<Storage> intermediates() {
    return intermediates;
  }
}

package org.freetransformer.fuzz;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Map;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.TensorEntry;
import org.freetransformer.checkpoint.TensorStore;
import org.freetransformer.checkpoint.TorchFile;
import org.freetransformer.checkpoint.TorchTensor;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.jspecify.annotations.Nullable;

/** Reads every tensor of a saved model to its last byte, and makes the model. */
final class ModelReader {
  private static final Engine ENGINE = Engine.on(Devices.scalar());
  private static final int MOST_TENSORS = 100;
  private static final int MOST_MAPS = 10;

  private ModelReader() {}

  /** Reads a model in any format. */
  static void readModel(Path path) {
    try (TensorStore store = TensorStore.open(path)) {
      for (TensorEntry entry : store.tensors()) {
        try (Arena arena = Arena.ofConfined()) {
          touch(store.rows(entry.name(), arena));
        }
      }
      try (LanguageModel model = ModelFile.load(ENGINE, store)) {
        if (model.parameterCount() <= 0) {
          throw new AssertionError("a model without parameters");
        }
      }
    }
  }

  /** Reads the tensors of a file of PyTorch, whether or not they make a model. */
  static void readTorch(Path path) {
    try (TorchFile file = TorchFile.open(path)) {
      visit(file.root());
    }
  }

  private static void visit(@Nullable Object value) {
    if (value instanceof TorchTensor tensor) {
      read(tensor);
    } else if (value instanceof Map<?, ?> map) {
      readTensors(map);
      // Values may share their parts, so that each level multiplies them: no deeper than this.
      map.values().stream()
          .filter(Map.class::isInstance)
          .limit(MOST_MAPS)
          .forEach(part -> readTensors((Map<?, ?>) part));
    }
  }

  private static void readTensors(Map<?, ?> map) {
    map.values().stream()
        .filter(TorchTensor.class::isInstance)
        .limit(MOST_TENSORS)
        .forEach(tensor -> read((TorchTensor) tensor));
  }

  private static void read(TorchTensor tensor) {
    try (Arena arena = Arena.ofConfined()) {
      touch(tensor.rows(arena));
    }
  }

  private static void touch(MemorySegment rows) {
    if (rows.byteSize() > 0) {
      rows.get(ValueLayout.JAVA_BYTE, 0);
      rows.get(ValueLayout.JAVA_BYTE, rows.byteSize() - 1);
    }
  }
}

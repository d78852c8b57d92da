package org.freetransformer.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.freetransformer.config.ConfigJson;

/**
 * The states of a run's {@link StatefulPart}s as one safetensors file: the numbers of each as JSON
 * in the metadata under its name, its tensors under its name and a slash.
 */
final class PartsFile {
  private PartsFile() {}

  static String tensorName(String part, String tensor) {
    return part + "/" + tensor;
  }

  /** What to write. */
  static TensorFile of(List<? extends StatefulPart> parts) {
    Map<String, String> metadata = new LinkedHashMap<>();
    List<TensorSource> tensors = new ArrayList<>();
    for (StatefulPart part : parts) {
      // Sorted: the order of Map.of differs from JVM to JVM, and files of equal runs are equal.
      Map<String, Object> numbers = new TreeMap<>(part.numbers());
      if (metadata.put(part.name(), ConfigJson.write(numbers)) != null) {
        throw new IllegalArgumentException("two parts of the run have the name " + part.name());
      }
      for (TensorSource tensor : part.tensors()) {
        String name = tensorName(part.name(), tensor.name());
        tensors.add(new TensorSource(name, tensor.type(), tensor.shape(), tensor.content()));
      }
    }
    return new TensorFile(metadata, tensors);
  }

  /**
   * Gives every part its state back.
   *
   * @throws CheckpointException if one has none here, or a state here belongs to none
   */
  static void restore(SafeTensors file, List<? extends StatefulPart> parts) {
    List<String> names = parts.stream().map(StatefulPart::name).toList();
    for (String saved : file.metadata().keySet()) {
      if (!names.contains(saved)) {
        throw new CheckpointException(
            file.source(), "holds the state of %s, which this run does not have".formatted(saved));
      }
    }
    parts.forEach(part -> part.restore(PartState.of(file, part.name())));
  }
}

package org.freetransformer.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.TensorEntry;
import org.freetransformer.checkpoint.TensorStore;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.run.RunFolder;
import org.freetransformer.run.SavedModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code ft inspect}: what a checkpoint holds, and whether it still holds what was saved. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = {
      "Shows what a saved model holds, whoever saved it.",
      "Compares the checkpoints of a run with their checksums."
    })
final class InspectCommand implements Callable<Integer> {
  @Mixin private Output output;

  @Parameters(
      paramLabel = "PATH",
      description =
          "Run folder, checkpoint folder, safetensors file, .pt file of the original repository or"
              + " Llama folder of Hugging Face.")
  private Path path;

  @Override
  public Integer call() {
    List<CheckpointFolder.Examined> examined = examine();
    try (SavedModel saved = open(examined)) {
      TensorStore file = saved.file();
      boolean isModel = file.metadata().containsKey(ModelFile.CONFIG);
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("format", file.format());
      object.put("path", saved.path().toString());
      object.put("model", isModel ? saved.config().toMap() : null);
      object.put("parameters", numbers(file.tensors()));
      object.put("step", saved.step());
      object.put("checkpoints", CheckpointTable.json(examined));
      object.put("tensors", file.tensors().stream().map(InspectCommand::json).toList());
      output.result(object, text(saved, isModel) + CheckpointTable.text(examined));
    }
    return 0;
  }

  /** The checkpoints of a run, or the one that is named; none of a lone file. */
  private List<CheckpointFolder.Examined> examine() {
    if (Files.exists(new RunFolder(path).config())) {
      return new CheckpointFolder(new RunFolder(path).checkpoints()).examine();
    }
    if (Checkpoint.isOne(path)) {
      return List.of(
          new CheckpointFolder.Examined(path, Checkpoint.open(path, Checkpoint.Use.RESUME), null));
    }
    return List.of();
  }

  /** What is shown; the newest checkpoint, if it was found whole, without a second look at it. */
  private SavedModel open(List<CheckpointFolder.Examined> examined) {
    return !examined.isEmpty() && examined.getLast().whole() != null
        ? SavedModel.openUnverified(examined.getLast().folder(), output::warn)
        : SavedModel.open(path, output::warn);
  }

  private static long numbers(List<TensorEntry> tensors) {
    return tensors.stream().mapToLong(TensorEntry::elements).sum();
  }

  private static Map<String, Object> json(TensorEntry tensor) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", tensor.name());
    map.put("dtype", tensor.type().name());
    map.put("shape", tensor.shape());
    return map;
  }

  private static String text(SavedModel saved, boolean isModel) {
    List<TensorEntry> tensors = saved.file().tensors();
    StringBuilder text = new StringBuilder();
    text.append(
        "%s: %s, %d tensors".formatted(saved.path(), saved.file().format(), tensors.size()));
    text.append(", %d numbers%n".formatted(numbers(tensors)));
    if (saved.step() != null) {
      text.append("trained for %d steps%n".formatted(saved.step()));
    }
    if (isModel) {
      // A section of a configuration, as it stands.
      text.append('\n').append(ConfigFile.write(Map.of("model", saved.config().toMap())));
    }
    text.append('\n');
    for (TensorEntry tensor : tensors) {
      text.append("%-60s %-5s %s%n".formatted(tensor.name(), tensor.type(), tensor.shape()));
    }
    return text.toString();
  }
}

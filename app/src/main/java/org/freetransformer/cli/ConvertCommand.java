package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.freetransformer.checkpoint.Conversion;
import org.freetransformer.checkpoint.TensorType;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.run.SavedModel;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ft checkpoint convert}: the same model in another format. */
@Command(
    name = "convert",
    mixinStandardHelpOptions = true,
    description = "Writes a saved model in another format, tensor by tensor.")
final class ConvertCommand implements Callable<Integer> {
  /** The floats that a model can be stored in. */
  enum Type {
    F32,
    BF16,
    F16
  }

  @Mixin private Output output;

  @Parameters(
      index = "0",
      paramLabel = "FROM",
      description =
          "Run folder, checkpoint folder, safetensors file, .pt file of the original repository or"
              + " Llama folder of Hugging Face.")
  private Path from;

  @Parameters(
      index = "1",
      paramLabel = "TO",
      description =
          "NAME.safetensors for this project's format; any other name becomes a Llama folder of"
              + " Hugging Face, which holds baselines only.")
  private Path to;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      description = "f32, bf16 or f16 (default: the type that each tensor has).")
  private @Nullable Type type;

  @Override
  public Integer call() throws IOException {
    OutputFiles.requireNew(to);
    try (SavedModel saved = SavedModel.open(from, output::warn)) {
      OutputFiles.requireWritable(to);
      TensorType floats = type == null ? null : TensorType.valueOf(type.name());
      if (isSafeTensors(to)) {
        Conversion.toSafeTensors(saved.file(), to, floats);
        OutputFiles.placeBeside(to, saved.tokenizer(), output::warn);
      } else {
        Conversion.toHuggingFace(saved.file(), saved.tokenizer(), to, floats);
      }
    }
    output.result(Map.of("written", to.toString()), "written: " + to);
    return 0;
  }

  /** Whether a name asks for this project's format. */
  static boolean isSafeTensors(Path file) {
    return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT).endsWith(".safetensors");
  }
}

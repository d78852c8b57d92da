package org.freetransformer.cli;

import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.Linear;
import org.freetransformer.nn.Resources;
import org.freetransformer.run.SavedModel;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.CpuDevice;
import org.freetransformer.tensor.device.Device;
import picocli.CommandLine.Option;

/** How the linear weights of a model are held that is not trained any more. */
final class WeightOptions {
  private enum Weights {
    F32,
    BF16,
    INT8
  }

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      description =
          "f32, or linear weights in less memory, which is read faster: bf16, rounded, or int8,"
              + " in steps of a scale for each output; what that costs, eval tells (default: f32).")
  private Weights weights = Weights.F32;

  /** The chosen type, as the option names it. */
  String type() {
    return ConfigSection.nameOf(weights);
  }

  /**
   * Makes the model on an engine, with its weights as chosen.
   *
   * @throws ConfigException if the engine's device does not offer that
   */
  LanguageModel load(SavedModel saved, Engine engine) {
    requireOfferedBy(engine.device());
    try (Resources taken = new Resources()) {
      LanguageModel loaded = taken.add(saved.load(engine));
      narrow(loaded);
      taken.keep();
      return loaded;
    }
  }

  private void narrow(LanguageModel loaded) {
    switch (weights) {
      case F32 -> {}
      case BF16 -> Linear.holdAllAs(loaded, DType.BF16);
      case INT8 -> Linear.holdAllAs(loaded, DType.I8);
    }
  }

  private void requireOfferedBy(Device chosen) {
    if (weights == Weights.INT8 && !(chosen instanceof CpuDevice)) {
      throw new ConfigException(
          "--weights",
          "int8 is not offered on %s; allowed are f32 and bf16, or --device cpu"
              .formatted(chosen.name()));
    }
  }
}

package org.freetransformer.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Origin;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.run.InheritedConfig;
import org.freetransformer.run.SavedModel;
import org.freetransformer.train.RunConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A configuration file and changes to it. */
final class ConfigOptions {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Configuration in YAML, such as configs/plan-letters.yaml.")
  private @Nullable Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes one value, as in --set training.max_steps=100. May be repeated.")
  private List<String> changes = new ArrayList<>();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of weights, dropout and plans: training.seed.")
  private @Nullable Long seed;

  /** Whether a configuration file is named. */
  boolean hasFile() {
    return file != null;
  }

  /**
   * The configuration, checked and complete.
   *
   * @throws ConfigException if the file is missing or anything in it is wrong
   */
  RunConfig read(Output output) {
    if (file == null) {
      throw new ConfigException(
          "--config", "is missing; name a file such as configs/plan-letters.yaml");
    }
    return change(ConfigFile.read(file), output);
  }

  /**
   * The configuration of a run that starts from a saved model, which has what it leaves open; a
   * file need not be named then.
   *
   * @param init the saved model, or null for a run with new weights
   * @throws ConfigException also if the configuration contradicts the model
   */
  RunConfig read(Output output, @Nullable Path init) {
    if (init == null) {
      return read(output);
    }
    ConfigNode document =
        file == null ? new ConfigNode.Mapping(Map.of(), Origin.of("--set")) : ConfigFile.read(file);
    try (SavedModel model = SavedModel.openUnverified(init, _ -> {})) {
      RunConfig run = resolved(InheritedConfig.complete(changed(document), model), output);
      InheritedConfig.tellOtherTokens(run.data(), model, output::warn);
      return run;
    }
  }

  /** A document with the changes made. */
  RunConfig change(ConfigNode document, Output output) {
    return resolved(changed(document), output);
  }

  private ConfigNode changed(ConfigNode document) {
    ConfigNode changed = ConfigFile.set(document, changes);
    return seed == null ? changed : ConfigFile.set(changed, "training.seed=" + seed);
  }

  private RunConfig resolved(ConfigNode document, Output output) {
    return RunConfig.read(ConfigFile.locateData(document, file), output::note);
  }
}

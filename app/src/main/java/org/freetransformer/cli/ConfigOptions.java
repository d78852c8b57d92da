package org.freetransformer.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.run.ConfigFile;
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

  /** A document with the changes made. */
  RunConfig change(ConfigNode document, Output output) {
    ConfigNode changed = document;
    for (String change : changes) {
      changed = ConfigFile.set(changed, change);
    }
    if (seed != null) {
      changed = ConfigFile.set(changed, "training.seed=" + seed);
    }
    return RunConfig.read(ConfigFile.locateData(changed, file), output::note);
  }
}

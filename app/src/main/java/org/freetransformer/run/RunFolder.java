package org.freetransformer.run;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.train.RunConfig;

/**
 * The folder that tells the whole story of a run.
 *
 * @param path the folder
 */
public record RunFolder(Path path) {

  /**
   * Makes the folder of a new run, and checks that files can be written there.
   *
   * @param savesFirst whether the run's first act is to save its own step 0, in place of one that a
   *     killed process may have left
   * @throws ConfigException if a run, or checkpoints of one, are there already, or the folder
   *     cannot be made or written
   */
  public static RunFolder create(Path path, boolean savesFirst) {
    RunFolder folder = requireNew(path, savesFirst);
    folder.requireWritable();
    return folder;
  }

  /**
   * The same as far as that can be told without a change to the disk, for what takes long before
   * the run begins.
   *
   * @throws ConfigException if a run, or checkpoints of one, are there already
   */
  public static RunFolder requireNew(Path path, boolean savesFirst) {
    RunFolder folder = new RunFolder(path);
    if (Files.exists(folder.config())) {
      throw FileProblems.at(
          path, "holds a run already; add --resume to go on with it, or name another");
    }
    boolean foreign =
        new CheckpointFolder(folder.checkpoints())
            .stepNumbers().stream().anyMatch(step -> step > 0 || !savesFirst);
    if (foreign) { // The new run's would be mixed up with them.
      throw FileProblems.at(
          folder.checkpoints(),
          "holds checkpoints, but the run folder has no config.yaml; delete them, or name another"
              + " run folder");
    }
    return folder;
  }

  /**
   * The folder of a run that was started before.
   *
   * @throws ConfigException if there is no run, naming the nearest folder where there is none at
   *     all
   */
  public static RunFolder open(Path path) {
    InputFiles.requireExists(path, "run folder");
    RunFolder folder = new RunFolder(path);
    if (!Files.exists(folder.config())) {
      throw FileProblems.at(path, "is not a run folder: it has no config.yaml");
    }
    return folder;
  }

  /**
   * Checks that no run of another configuration is here: only the same one can go on.
   *
   * @throws ConfigException if there is one
   */
  public void requireSame(RunConfig wanted) {
    if (Files.exists(config()) && !RunConfig.read(readConfig(), _ -> {}).equals(wanted)) {
      throw FileProblems.at(
          path,
          "holds a run of another configuration; name another --out, or give the same --config and"
              + " --set");
    }
  }

  /** The configuration as it was resolved. */
  public Path config() {
    return path.resolve("config.yaml");
  }

  /** The configuration, read. */
  public ConfigNode readConfig() {
    return ConfigFile.read(config());
  }

  /** The tokenizer's file, if tokens need one: a run can be resumed without the original. */
  public Path tokenizer() {
    return path.resolve(Checkpoint.TOKENIZER);
  }

  /** One JSON object a log step. */
  public Path metrics() {
    return path.resolve("metrics.jsonl");
  }

  /** One JSON object for each evaluation on held-out data. */
  public Path evaluations() {
    return path.resolve("evaluations.jsonl");
  }

  /** Folders {@code step-N}. */
  public Path checkpoints() {
    return path.resolve("checkpoints");
  }

  /** Pictures. */
  public Path plots() {
    return path.resolve("plots");
  }

  /** Texts that the model wrote, {@code step-N} at each evaluation. */
  public Path samples() {
    return path.resolve("samples");
  }

  /** Where and how the run was started. */
  public Path environment() {
    return path.resolve("environment.json");
  }

  /**
   * Makes the folder and those in it, and tries to write.
   *
   * @throws ConfigException if that fails
   */
  public void requireWritable() {
    List.of(path, checkpoints(), plots(), samples()).forEach(OutputFiles::requireWritableFolder);
  }
}

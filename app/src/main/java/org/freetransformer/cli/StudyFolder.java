package org.freetransformer.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Origin;
import org.freetransformer.run.RunFolder;

/** The folder of a study: its runs, {@value #RESULTS} and pictures, and nothing of others. */
final class StudyFolder {
  static final String RESULTS = "results.json";

  /** Seeds that a study takes at most. */
  static final int MOST_SEEDS = 1000;

  private StudyFolder() {}

  /**
   * Checks that a study would replace nothing.
   *
   * @throws ConfigException if the folder is a run's, or holds results
   */
  static void requireNew(Path folder) {
    requireNoRun(folder);
    if (Files.exists(folder.resolve(RESULTS))) {
      throw taken(folder);
    }
  }

  /**
   * Checks that a study would replace nothing but results of the same command.
   *
   * @throws ConfigException if the folder is a run's, or holds results of another
   */
  static void requireOwn(Path folder, String command) {
    requireNoRun(folder);
    if (Files.exists(folder.resolve(RESULTS)) && !command.equals(author(folder))) {
      throw taken(folder);
    }
  }

  private static void requireNoRun(Path folder) {
    if (Files.exists(new RunFolder(folder).config())) {
      throw problem(folder, "is the folder of a run; name another");
    }
  }

  private static ConfigException taken(Path folder) {
    String author = author(folder);
    return problem(
        folder,
        "holds the results of %s already; name another folder"
            .formatted(author.isEmpty() ? "something else" : "ft " + author));
  }

  /** The command that wrote a folder's results; empty if they do not tell. */
  private static String author(Path folder) {
    try {
      return new ObjectMapper()
          .readTree(folder.resolve(RESULTS).toFile())
          .at("/environment/command/0")
          .asText();
    } catch (IOException foreign) {
      return "";
    }
  }

  private static ConfigException problem(Path folder, String problem) {
    return new ConfigException("", problem).at(Origin.of("--out " + folder), "");
  }
}

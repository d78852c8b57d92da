package org.freetransformer.corpus;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.data.FileListing;
import org.freetransformer.data.Split;

/**
 * A dataset as it is downloaded from the Hugging Face hub: a folder of tables or JSONL whose names
 * say which split they belong to. Where validation is missing, the test split is measured on
 * instead; where both are, something is held out of the rest.
 */
final class HuggingFaceDataset {
  private static final Set<String> TRAINING = Set.of("train", "training");
  private static final Set<String> VALIDATION =
      Set.of("validation", "valid", "val", "dev", "eval", "evaluation");
  private static final Set<String> TEST = Set.of("test", "testing");

  private HuggingFaceDataset() {}

  private static boolean isTable(Path file) {
    return FileKind.of(file).isTable() && !FileKind.describesDataset(file);
  }

  /**
   * The documents of a folder.
   *
   * @throws IllegalArgumentException if it holds neither tables nor JSONL
   */
  static DocumentSource of(FileListing folder, String field) {
    List<Path> files = folder.files().stream().filter(HuggingFaceDataset::isTable).toList();
    if (files.isEmpty()) {
      refuseArrow(folder.files());
      throw DataFiles.noTable(folder, ".parquet or .jsonl");
    }
    boolean validates = files.stream().anyMatch(file -> isNamed(folder.root(), file, VALIDATION));
    boolean tests = files.stream().anyMatch(file -> isNamed(folder.root(), file, TEST));
    boolean fixed = validates || tests;
    List<DocumentSource> sources = new ArrayList<>();
    for (Path file : files) {
      boolean test = isNamed(folder.root(), file, TEST);
      if (test && validates) {
        String name = folder.nameOf(file);
        sources.add(DataFiles.notUsed(List.of(name), "a test split beside validation"));
      } else {
        boolean held = test || isNamed(folder.root(), file, VALIDATION);
        Optional<Split> split =
            fixed ? Optional.of(held ? Split.VALIDATION : Split.TRAIN) : Optional.empty();
        sources.add(DataFiles.table(file, FileKind.of(file), field, split));
      }
    }
    sources.add(DataFiles.leftOut(folder, files, "no .parquet or .jsonl"));
    return DataFiles.combined(sources);
  }

  /** Whether the words of a file's path have one of these names before any other split's. */
  private static boolean isNamed(Path folder, Path file, Set<String> names) {
    List<Path> parts = new ArrayList<>();
    folder.relativize(file).forEach(parts::add);
    for (Path part : parts.reversed()) {
      for (String word : part.toString().toLowerCase(Locale.ROOT).split("[^a-z]+", -1)) {
        if (TRAINING.contains(word) || VALIDATION.contains(word) || TEST.contains(word)) {
          return names.contains(word);
        }
      }
    }
    return false;
  }

  /**
   * Refuses what has no other tables.
   *
   * @throws IllegalArgumentException naming the first Arrow table
   */
  static void refuseArrow(List<Path> files) {
    for (Path file : files) {
      if (FileKind.of(file) == FileKind.ARROW) {
        throw arrow(file);
      }
    }
  }

  static IllegalArgumentException arrow(Path file) {
    return new IllegalArgumentException(
        "%s: Arrow files are not read; save the dataset with to_parquet or to_json"
            .formatted(file));
  }
}

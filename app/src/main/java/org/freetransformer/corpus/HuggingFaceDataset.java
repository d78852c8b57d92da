package org.freetransformer.corpus;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.freetransformer.data.DocumentSink;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.data.SkipReason;
import org.freetransformer.data.Split;
import org.freetransformer.data.TextFiles;

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

  /** Whether a folder looks like one. */
  static boolean hasTables(Path folder) {
    return TextFiles.listed(folder).stream().anyMatch(HuggingFaceDataset::isTable);
  }

  private static boolean isTable(Path file) {
    FileKind kind = FileKind.of(file);
    return !FileKind.describesDataset(file)
        && (kind == FileKind.JSON_LINES || kind == FileKind.PARQUET);
  }

  /**
   * The documents of a folder.
   *
   * @throws IllegalArgumentException if it holds neither tables nor JSONL
   */
  static DocumentSource of(Path folder, String field) {
    List<Path> all = TextFiles.listed(folder);
    List<Path> files = all.stream().filter(HuggingFaceDataset::isTable).toList();
    if (files.isEmpty()) {
      all.stream()
          .filter(file -> FileKind.of(file) == FileKind.ARROW)
          .findFirst()
          .ifPresent(file -> {
            throw arrow(file);
          });
      throw new IllegalArgumentException(
          "data_dir: %s holds no .parquet or .jsonl files".formatted(folder));
    }
    boolean validates = files.stream().anyMatch(file -> isNamed(folder, file, VALIDATION));
    boolean tests = files.stream().anyMatch(file -> isNamed(folder, file, TEST));
    boolean fixed = validates || tests;
    return DataFiles.combined(
        files.stream()
            .map(file -> {
              boolean test = isNamed(folder, file, TEST);
              if (test && validates) {
                return notUsed(folder.relativize(file));
              }
              boolean held = test || isNamed(folder, file, VALIDATION);
              Optional<Split> split =
                  fixed ? Optional.of(held ? Split.VALIDATION : Split.TRAIN) : Optional.empty();
              return DataFiles.table(file, FileKind.of(file), field, split);
            })
            .toList());
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

  static IllegalArgumentException arrow(Path file) {
    return new IllegalArgumentException(
        "%s: Arrow files are not read; save the dataset with to_parquet or to_json"
            .formatted(file));
  }

  private static DocumentSource notUsed(Path file) {
    DocumentSource.Part part =
        new DocumentSource.Part() {
          @Override
          public String identity() {
            return file + " is not used";
          }

          @Override
          public long bytes() {
            return 0;
          }

          @Override
          public void read(DocumentSink sink) {
            sink.skip(SkipReason.NOT_USED, file.toString(), "validation is there");
          }
        };
    return () -> List.of(part);
  }
}

package org.freetransformer.corpus;

import java.nio.file.Path;
import java.util.List;
import org.freetransformer.data.FileListing;
import org.freetransformer.data.TokenShard;

/** What the files in a folder say of it. */
enum FolderKind {
  /** Tables or lines of JSON, whose names may tell their split; all else is not used. */
  DATASET("hf"),
  /** Text files. */
  TEXTS("text"),
  /** What {@code ft data prepare} wrote, or a part of it. */
  TOKENS("tokens");

  private final String datasetName;

  FolderKind(String datasetName) {
    this.datasetName = datasetName;
  }

  /** The {@code data.dataset_name} under which such a folder is read. */
  String datasetName() {
    return datasetName;
  }

  /**
   * The kind of a folder. A {@code .json} alone makes no dataset: it may be anything.
   *
   * @throws IllegalArgumentException if it holds Arrow tables, and none that is read
   */
  static FolderKind of(FileListing folder) {
    Path root = folder.root();
    if (folder.files().stream().anyMatch(file -> TokenShard.isOne(root, file))) {
      return TOKENS;
    }
    List<Path> files =
        folder.files().stream().filter(file -> !FileKind.describesDataset(file)).toList();
    if (hold(files, FileKind.JSON_LINES) || hold(files, FileKind.PARQUET)) {
      return DATASET;
    }
    HuggingFaceDataset.refuseArrow(files);
    boolean others = hold(files, FileKind.TEXT) || hold(files, FileKind.ARCHIVE);
    return hold(files, FileKind.JSON) && !others ? DATASET : TEXTS;
  }

  private static boolean hold(List<Path> files, FileKind kind) {
    return files.stream().anyMatch(file -> FileKind.of(file) == kind);
  }
}

package org.freetransformer.corpus;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.DocumentFormat;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.data.FileListing;
import org.freetransformer.data.SkipReason;
import org.freetransformer.data.SkippedPlaces;
import org.freetransformer.data.Skips;
import org.freetransformer.data.SourceArchive;
import org.freetransformer.data.Split;
import org.freetransformer.data.TextFiles;
import org.freetransformer.run.InputFiles;

/** Opens files and folders by what they are. */
public final class DataFiles implements DocumentFormat {
  /** For {@link java.util.ServiceLoader}. */
  public DataFiles() {}

  @Override
  public Optional<DocumentSource> open(DataConfig config) {
    Path path = Path.of(config.dataDir());
    String field = config.text().textField();
    return switch (config.source()) {
      case JSONL -> Optional.of(ofKind(path, FileKind.JSON_LINES, ".jsonl", field));
      case PARQUET -> Optional.of(ofKind(path, FileKind.PARQUET, ".parquet", field));
      case HF -> {
        InputFiles.requireExists(path, "dataset folder");
        yield Optional.of(HuggingFaceDataset.of(FileListing.of(path), field));
      }
      default -> Optional.empty();
    };
  }

  /** A file whatever its name, or the files of a kind in a folder. */
  private static DocumentSource ofKind(Path path, FileKind kind, String ending, String field) {
    InputFiles.requireExists(path, "file or folder");
    FileListing found = FileListing.of(path);
    List<Path> files =
        found.files().stream().filter(file -> file.equals(path) || isOf(kind, file)).toList();
    if (files.isEmpty()) {
      throw noTable(found, ending);
    }
    List<DocumentSource> sources = new ArrayList<>();
    for (Path file : files) {
      sources.add(table(file, kind, field, Optional.empty()));
    }
    sources.add(leftOut(found, files, "no " + ending));
    return combined(sources);
  }

  private static boolean isOf(FileKind kind, Path file) {
    FileKind own = FileKind.of(file);
    boolean lines = kind == FileKind.JSON_LINES && own == FileKind.JSON;
    return (own == kind || lines) && !FileKind.describesDataset(file);
  }

  static IllegalArgumentException noTable(FileListing folder, String endings) {
    String unread = folder.skips().isEmpty() ? "" : "; " + folder.skips().getFirst();
    return new IllegalArgumentException(
        "data_dir: %s holds no %s files%s".formatted(folder.root(), endings, unread));
  }

  /** What is not read of a folder of tables, but for files that describe it. */
  static DocumentSource leftOut(FileListing folder, List<Path> read, String why) {
    Set<Path> used = new HashSet<>(read);
    List<String> others =
        folder.files().stream()
            .filter(file -> !used.contains(file) && !FileKind.describesDataset(file))
            .map(folder::nameOf)
            .toList();
    return combined(List.of(notUsed(others, why), new SkippedPlaces(folder.skips())));
  }

  static DocumentSource notUsed(List<String> names, String why) {
    return new SkippedPlaces(
        names.stream().map(name -> new Skips.Skip(SkipReason.NOT_USED, name, why)).toList());
  }

  /** A file of one of the two kinds that have fields. */
  static DocumentSource table(Path file, FileKind kind, String field, Optional<Split> split) {
    return kind == FileKind.PARQUET
        ? new ParquetFile(file, field, split)
        : new JsonLines(file, field, split);
  }

  /**
   * Files and folders that a user names, each by its ending; a folder with tables in it is taken
   * for a dataset, any other for a folder of texts.
   *
   * @throws IllegalArgumentException if one is missing, empty, or holds Arrow tables or tokens
   */
  public static DocumentSource of(List<Path> paths, String field) {
    List<DocumentSource> sources = new ArrayList<>();
    for (Path path : paths) {
      InputFiles.requireExists(path, "file or folder");
      sources.add(of(path, field));
    }
    return sources.size() == 1 ? sources.getFirst() : combined(sources);
  }

  /**
   * The {@code data.dataset_name} under which {@link #open} reads a file or folder as it is read
   * where only its name tells what it is.
   *
   * @throws IllegalArgumentException if it is a folder that is empty, an Arrow table, or an
   *     archive: no name stands for these
   */
  public static String datasetName(Path path) {
    if (Files.isDirectory(path)) {
      return FolderKind.of(FileListing.of(path)).datasetName();
    }
    return switch (FileKind.of(path)) {
      case JSON_LINES, JSON -> "jsonl";
      case PARQUET -> "parquet";
      case ARROW -> throw HuggingFaceDataset.arrow(path);
      case ARCHIVE ->
          throw new IllegalArgumentException(
              "%s: an archive is not read here; unpack it, and name the folder".formatted(path));
      case TEXT -> "text";
    };
  }

  private static DocumentSource of(Path path, String field) {
    if (Files.isDirectory(path)) {
      FileListing folder = FileListing.of(path);
      return switch (FolderKind.of(folder)) {
        case DATASET -> HuggingFaceDataset.of(folder, field);
        case TEXTS -> new TextFiles(folder);
        case TOKENS ->
            throw new IllegalArgumentException(
                "%s: holds prepared tokens; train on them with data.dataset_name=tokens"
                    .formatted(path));
      };
    }
    FileKind kind = FileKind.of(path);
    return switch (kind) {
      case JSON_LINES, JSON, PARQUET -> table(path, kind, field, Optional.empty());
      case ARCHIVE -> new SourceArchive(path);
      case ARROW -> throw HuggingFaceDataset.arrow(path);
      case TEXT -> TextFiles.of(path.toString());
    };
  }

  /** One source after the other. */
  static DocumentSource combined(List<DocumentSource> sources) {
    return () -> sources.stream().flatMap(source -> source.parts().stream()).toList();
  }
}

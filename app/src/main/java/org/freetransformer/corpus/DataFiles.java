package org.freetransformer.corpus;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.DocumentFormat;
import org.freetransformer.data.DocumentSource;
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
      case JSONL -> Optional.of(ofKind(path, FileKind.JSON_LINES, field));
      case PARQUET -> Optional.of(ofKind(path, FileKind.PARQUET, field));
      case HF -> {
        InputFiles.requireExists(path, "dataset folder");
        yield Optional.of(HuggingFaceDataset.of(path, field));
      }
      default -> Optional.empty();
    };
  }

  /** A file whatever its name, or the files of a kind in a folder. */
  private static DocumentSource ofKind(Path path, FileKind kind, String field) {
    InputFiles.requireExists(path, "file or folder");
    List<Path> files =
        TextFiles.listed(path).stream()
            .filter(file -> file.equals(path) || FileKind.of(file) == kind)
            .filter(file -> file.equals(path) || !FileKind.describesDataset(file))
            .toList();
    if (files.isEmpty()) {
      throw new IllegalArgumentException(
          "data_dir: %s holds no %s files"
              .formatted(path, kind == FileKind.PARQUET ? ".parquet" : ".jsonl"));
    }
    return combined(
        files.stream().map(file -> table(file, kind, field, Optional.empty())).toList());
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
   * @throws IllegalArgumentException if one is missing, or empty
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
      return HuggingFaceDataset.hasTables(path) ? "hf" : "text";
    }
    return switch (FileKind.of(path)) {
      case JSON_LINES -> "jsonl";
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
      return HuggingFaceDataset.hasTables(path)
          ? HuggingFaceDataset.of(path, field)
          : TextFiles.of(path.toString());
    }
    FileKind kind = FileKind.of(path);
    return switch (kind) {
      case JSON_LINES, PARQUET -> table(path, kind, field, Optional.empty());
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

package org.freetransformer.corpus;

import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;

/** What a file's name says of its content. */
enum FileKind {
  /** One JSON object a line, perhaps compressed. */
  JSON_LINES("\\.(jsonl|ndjson)(\\.(gz|zst))?$"),
  /** In a dataset the same; in any other folder it may be anything. */
  JSON("\\.json(\\.(gz|zst))?$"),
  /** A Parquet table. */
  PARQUET("\\.parquet$"),
  /** An archive of text files. */
  ARCHIVE("\\.(zip|jar)$"),
  /** An Arrow table, which is not read. */
  ARROW("\\.arrow$"),
  /** Anything else, taken for text. */
  TEXT("");

  private final Pattern name;

  FileKind(String name) {
    this.name = Pattern.compile(name);
  }

  static FileKind of(Path file) {
    String lower = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    for (FileKind kind : values()) {
      if (kind.name.matcher(lower).find()) {
        return kind;
      }
    }
    return TEXT;
  }

  /** Whether files of this kind have fields, of which one is the text. */
  boolean isTable() {
    return this == JSON_LINES || this == JSON || this == PARQUET;
  }

  /** Files that describe a dataset instead of being part of it. */
  static boolean describesDataset(Path file) {
    return switch (String.valueOf(file.getFileName())) {
      case "dataset_info.json",
          "dataset_infos.json",
          "dataset_dict.json",
          "state.json",
          "README.md" ->
          true;
      default -> false;
    };
  }
}

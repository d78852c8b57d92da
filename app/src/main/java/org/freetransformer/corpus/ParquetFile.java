package org.freetransformer.corpus;

import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.schema.ColumnProjection;
import dev.hardwood.schema.ColumnSchema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Nearest;
import org.freetransformer.data.Document;
import org.freetransformer.data.DocumentSink;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.data.SkipReason;
import org.freetransformer.data.Split;
import org.freetransformer.data.TextBytes;
import org.jspecify.annotations.Nullable;

/** A Parquet table, of which one column is the text. */
final class ParquetFile implements DocumentSource {
  /** The library announces its SIMD width; held here, or the setting would be collected. */
  private static final Logger LIBRARY_LOG = Logger.getLogger("dev.hardwood");

  static {
    LIBRARY_LOG.setLevel(Level.WARNING);
  }

  /** How long the library may take for one step. */
  private static final Duration LIMIT = Duration.ofMinutes(1);

  private final Path file;
  private final String column;
  private final Optional<Split> split;

  ParquetFile(Path file, String column, Optional<Split> split) {
    this.file = file;
    this.column = column;
    this.split = split;
  }

  @Override
  public List<DocumentSource.Part> parts() {
    try {
      return List.of(new Table(Files.size(file), Files.getLastModifiedTime(file).toMillis()));
    } catch (IOException gone) {
      throw new UncheckedIOException(gone);
    }
  }

  private final class Table implements DocumentSource.Part {
    private final long size;
    private final long modified;

    Table(long size, long modified) {
      this.size = size;
      this.modified = modified;
    }

    @Override
    public String identity() {
      return "%s of %d at %d, column %s".formatted(file.getFileName(), size, modified, column);
    }

    @Override
    public long bytes() {
      return size;
    }

    @Override
    public Optional<Split> split() {
      return split;
    }

    @Override
    public void read(DocumentSink sink) throws IOException {
      String absent = "'%s' is null".formatted(column); // Made once: nulls may be many.
      try (Rows rows = new Rows()) {
        rows.open();
        long number = 0;
        while (rows.next()) {
          number++;
          byte[] text = rows.text();
          String place = file + " row " + number;
          if (text == null) {
            sink.skip(SkipReason.NO_TEXT, place, absent);
          } else {
            give(place, text, sink);
          }
        }
      } catch (Damaged damaged) {
        sink.skip(SkipReason.DAMAGED_FILE, file.toString(), String.valueOf(damaged.getMessage()));
      }
    }
  }

  private static void give(String place, byte[] bytes, DocumentSink sink) throws IOException {
    String text = bytes.length > Document.MAX_BYTES ? null : TextBytes.decode(bytes);
    if (bytes.length > Document.MAX_BYTES) {
      sink.skip(SkipReason.TOO_LARGE, place, "%,d bytes".formatted(bytes.length));
    } else if (text == null) {
      sink.skip(SkipReason.INVALID_UTF8, place, "");
    } else {
      sink.document(new Document(place, text));
    }
  }

  /** Whatever the library throws when a file is not what it should be. */
  private static final class Damaged extends Exception {
    private static final long serialVersionUID = 1L;

    Damaged(Throwable cause) {
      super(reason(cause), cause);
    }

    Damaged(String reason) {
      super(reason);
    }

    private static String reason(Throwable cause) {
      String message = cause.getMessage();
      String first = message == null ? "" : message.lines().findFirst().orElse("").strip();
      return first.isEmpty() ? cause.getClass().getSimpleName() : first;
    }
  }

  /** Something the library does, which may fail in any way when a file lies. */
  @FunctionalInterface
  private interface Step<T> {
    T run() throws IOException;
  }

  /** The library's reader, with all that it throws made one. */
  private final class Rows implements AutoCloseable {
    private final Patience patience = new Patience(LIMIT);
    private @Nullable ParquetFileReader reader;
    private @Nullable RowReader rows;

    void open() throws Damaged {
      ParquetBytes bytes = new ParquetBytes(file);
      ParquetFileReader opened = attempt(() -> ParquetFileReader.open(bytes));
      reader = opened;
      List<ColumnSchema> columns = attempt(() -> opened.getFileSchema().getColumns());
      requireText(columns);
      attempt(() -> {
        bytes.checkPages(opened.getFileMetaData(), column);
        return bytes;
      });
      rows =
          attempt(
              () -> opened.buildRowReader().projection(ColumnProjection.columns(column)).build());
    }

    private void requireText(List<ColumnSchema> columns) {
      List<ColumnSchema> found =
          columns.stream()
              .filter(known -> known.fieldPath().topLevelName().equals(column))
              .toList();
      if (found.isEmpty()) {
        List<String> names =
            columns.stream().map(known -> known.fieldPath().topLevelName()).distinct().toList();
        String near = Nearest.to(column, names).map(name -> "; nearest is " + name).orElse("");
        throw refused(
            "%s has no column '%s'; its columns are %s%s"
                .formatted(file, column, String.join(", ", names), near));
      }
      ColumnSchema text = found.getFirst();
      if (text.fieldPath().elements().size() > 1 || text.maxRepetitionLevel() > 0) {
        throw refused(
            "column '%s' of %s holds lists or structures, not text".formatted(column, file));
      }
      if (found.size() > 1) {
        throw refused("%s has more than one column '%s'".formatted(file, column));
      }
      if (text.type() != PhysicalType.BYTE_ARRAY) {
        throw refused("column '%s' of %s holds %s, not text".formatted(column, file, text.type()));
      }
    }

    private static ConfigException refused(String what) {
      return new ConfigException("text_field", what);
    }

    boolean next() throws Damaged {
      RowReader open = opened();
      return attempt(() -> {
        boolean more = open.hasNext();
        if (more) {
          open.next();
        }
        return more;
      });
    }

    byte @Nullable [] text() throws Damaged {
      RowReader open = opened();
      boolean absent = attempt(() -> open.isNull(column));
      return absent ? null : attempt(() -> open.getBinary(column));
    }

    private RowReader opened() {
      if (rows == null) {
        throw new IllegalStateException("not open");
      }
      return rows;
    }

    @SuppressWarnings("CatchingUnchecked") // A damaged file makes the library throw anything.
    private <T> T attempt(Step<T> step) throws Damaged {
      patience.begin();
      try {
        T result = step.run();
        requireInTime();
        return result;
      } catch (IOException | RuntimeException | OutOfMemoryError failure) {
        requireInTime();
        throw new Damaged(failure);
      }
    }

    private void requireInTime() throws Damaged {
      if (patience.end()) {
        throw new Damaged("its reader waits without end");
      }
    }

    @Override
    public void close() throws IOException {
      patience.begin();
      try {
        if (rows != null) {
          rows.close();
        }
        if (reader != null) {
          reader.close();
        }
      } finally {
        patience.end();
        patience.close();
      }
    }
  }
}

package org.freetransformer.corpus;

import dev.hardwood.InputFile;
import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.FileMetaData;
import dev.hardwood.metadata.RowGroup;
import java.io.EOFException;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A Parquet file's bytes, as the library asks for them, and a look at what would make it count or
 * ask for ever. A page that claims to be longer than its column makes the library ask for nothing,
 * again and again, on a thread of its own; here that is an error, which ends the thread. Metadata
 * is walked through before the library reads it: see {@link ThriftWalk}.
 */
final class ParquetBytes implements InputFile {
  private static final int MOST_NOTHING = 1000;

  /** The footer's length and the file's mark. */
  private static final int FOOTER_END = 8;

  /** Most headers are shorter; statistics may make one long. */
  private static final long HEADER = 1 << 12;

  private final InputFile file;
  private final AtomicInteger nothing = new AtomicInteger();

  ParquetBytes(Path path) {
    this.file = InputFile.of(path);
  }

  @Override
  public void open() throws IOException {
    file.open();
    long end = file.length() - FOOTER_END;
    if (end >= 0) {
      int footer = file.readRange(end, FOOTER_END).order(ByteOrder.LITTLE_ENDIAN).getInt();
      if (footer > 0 && footer <= end) {
        ThriftWalk.check(file.readRange(end - footer, footer));
      }
    }
  }

  /**
   * Walks through the headers of all pages of a column.
   *
   * @throws EOFException if one would keep the library busy for ever
   */
  void checkPages(FileMetaData metadata, String column) throws IOException {
    for (RowGroup group : metadata.rowGroups()) {
      for (ColumnChunk chunk : group.columns()) {
        if (chunk.metaData().pathInSchema().leafName().equals(column)) {
          check(chunk);
        }
      }
    }
  }

  private void check(ColumnChunk chunk) throws IOException {
    long start = chunk.chunkStartOffset();
    long data = chunk.metaData().dataPageOffset();
    long end = start + chunk.metaData().totalCompressedSize();
    checkPages(start, end);
    if (data != start) {
      checkPages(data, end);
    }
    Long index = chunk.offsetIndexOffset();
    Integer length = chunk.offsetIndexLength();
    if (index != null && length != null && index >= 0 && length > 0) {
      if (length <= file.length() - index) {
        ThriftWalk.check(file.readRange(index, length));
      }
    }
  }

  private void checkPages(long start, long end) throws IOException {
    long last = Math.min(end, file.length());
    long at = start;
    while (at >= 0 && at < last) {
      ThriftWalk.PageHeader header = pageHeader(at, last);
      if (header == null || header.pageSize() < 0) {
        return; // The library says what is wrong with such a page.
      }
      at += header.length() + header.pageSize();
    }
  }

  private ThriftWalk.@Nullable PageHeader pageHeader(long at, long end) throws IOException {
    for (long window = HEADER; ; window *= 16) {
      long length = Math.min(window, Math.min(end - at, Integer.MAX_VALUE));
      try {
        return ThriftWalk.pageHeader(file.readRange(at, (int) length));
      } catch (BufferUnderflowException longer) {
        if (length < window) {
          return null;
        }
      }
    }
  }

  @Override
  public ByteBuffer readRange(long offset, int length) throws IOException {
    if (length <= 0 && nothing.incrementAndGet() > MOST_NOTHING) {
      throw new EOFException("a page reaches beyond its column, at byte " + offset);
    }
    return file.readRange(offset, length);
  }

  @Override
  public long length() throws IOException {
    return file.length();
  }

  @Override
  public String name() {
    return file.name();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}

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

/**
 * A Parquet file's bytes, as the library asks for them, and a look at what would make it count or
 * ask for ever. A page that claims to be longer than its column makes the library ask for nothing,
 * again and again, on a thread of its own; here that is an error, which ends the thread. Metadata
 * is walked through before the library reads it: see {@link ThriftWalk}. The library makes arrays
 * for whatever a page claims to hold, so what a column's pages claim together must be plausible for
 * a file of this length.
 */
final class ParquetBytes implements InputFile {
  private static final int MOST_NOTHING = 1000;

  /** The footer's length and the file's mark. */
  private static final int FOOTER_END = 8;

  /** Most headers are shorter; statistics may make one long. */
  private static final long HEADER = 1 << 12;

  /** Of equal values or nulls, a few bytes hold a whole row group of a million. */
  private static final long FREE_VALUES = 1 << 20;

  private static final long VALUES_PER_BYTE = 1 << 10;

  private static final long FREE_SIZE = 1 << 26;

  /** Zstandard writes 128 KiB of one byte as a block of four. */
  private static final long MOST_COMPRESSION = 1 << 15;

  private final InputFile file;
  private final AtomicInteger nothing = new AtomicInteger();
  private long values;
  private long size;

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
   * @throws EOFException if one would keep the library busy for ever, or if they claim to hold more
   *     than a file of this length can
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
    long expected = chunk.metaData().numValues();
    checkPages(start, end, expected);
    if (data != start) {
      checkPages(data, end, expected);
    }
    Long index = chunk.offsetIndexOffset();
    Integer length = chunk.offsetIndexLength();
    if (index != null && length != null && index >= 0 && length > 0) {
      if (length <= file.length() - index) {
        for (long page : ThriftWalk.pageOffsets(file.readRange(index, length))) {
          if (page >= 0 && page < file.length()) {
            checkPage(page, file.length());
          }
        }
      }
    }
  }

  /**
   * Goes as far as the library: to the first page, and on until there are as many values as
   * expected.
   */
  private void checkPages(long start, long end, long expected) throws IOException {
    long last = Math.min(end, file.length());
    long at = start;
    long found = 0;
    while (at >= 0 && at < last) {
      ThriftWalk.PageHeader header = checkPage(at, last);
      found += header.values();
      at += header.length() + Math.max(0, header.size());
      if (found >= expected) {
        return;
      }
    }
  }

  private ThriftWalk.PageHeader checkPage(long at, long end) throws IOException {
    ThriftWalk.PageHeader header = pageHeader(at, end);
    values += claim(header.values()) + claim(header.entries());
    size += claim(header.wholeSize());
    long bytes = file.length();
    if (values > FREE_VALUES + VALUES_PER_BYTE * bytes) {
      throw new EOFException("its pages claim to hold %,d values".formatted(values));
    }
    if (size > FREE_SIZE + MOST_COMPRESSION * bytes) {
      throw new EOFException("its pages claim to hold %,d bytes".formatted(size));
    }
    return header;
  }

  /** The most that the library could read of a number of 32 bits. */
  private static long claim(long number) {
    return number < 0 ? Integer.MAX_VALUE : Math.min(number, Integer.MAX_VALUE);
  }

  private ThriftWalk.PageHeader pageHeader(long at, long end) throws IOException {
    for (long window = HEADER; ; window *= 16) {
      long length = Math.min(window, Math.min(end - at, Integer.MAX_VALUE));
      try {
        return ThriftWalk.pageHeader(file.readRange(at, (int) length));
      } catch (BufferUnderflowException longer) {
        if (length < window) {
          throw ThriftWalk.brokenOff(longer);
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

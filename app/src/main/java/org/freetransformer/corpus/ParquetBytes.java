package org.freetransformer.corpus;

import dev.hardwood.InputFile;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A Parquet file's bytes, as the library asks for them. A page that claims to be longer than its
 * column makes the library ask for nothing, again and again, on a thread of its own; here that is
 * an error, which ends the thread.
 */
final class ParquetBytes implements InputFile {
  private static final int MOST_NOTHING = 1000;

  private final InputFile file;
  private final AtomicInteger nothing = new AtomicInteger();

  ParquetBytes(Path path) {
    this.file = InputFile.of(path);
  }

  @Override
  public void open() throws IOException {
    file.open();
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

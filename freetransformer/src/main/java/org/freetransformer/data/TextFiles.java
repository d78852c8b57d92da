package org.freetransformer.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Text files, each a document. A long file is cut at ends of lines into documents of about {@value
 * #PIECE} bytes.
 */
public final class TextFiles implements DocumentSource {

  /** Bytes of a document cut from a longer file. */
  static final int PIECE = 4 << 20;

  /** Bytes of text that are read by one thread. */
  private static final long PART = 16 << 20;

  /** Where a line's end is looked for before a file is cut in the middle of a line. */
  private static final int LONGEST_LINE = 1 << 20;

  private final List<Piece> pieces;
  private final SkippedPlaces skipped;
  private final long partBytes;

  /** Bytes {@code start} to {@code end} of a file, before they are moved to ends of lines. */
  private record Piece(Path file, String name, long start, long end, long size, long modified) {
    boolean isWhole() {
      return start == 0 && end == size;
    }

    void give(byte[] bytes, DocumentSink sink) throws IOException {
      if (isWhole()) {
        TextBytes.document(name, bytes, sink);
      } else {
        TextBytes.stretch(
            name + "@" + start, bytes, start / (double) size, end / (double) size, sink);
      }
    }
  }

  /**
   * Files that were found before.
   *
   * @throws UncheckedIOException if one is gone
   */
  public TextFiles(FileListing listing) {
    this(listing, PART);
  }

  TextFiles(FileListing listing, long partBytes) {
    this.partBytes = partBytes;
    List<Piece> found = new ArrayList<>();
    for (Path file : listing.files()) {
      found.addAll(piecesOf(file, listing.nameOf(file)));
    }
    pieces = List.copyOf(found);
    skipped = new SkippedPlaces(listing.skips());
  }

  /**
   * A file, or all files in a folder and the folders in it.
   *
   * @throws IllegalArgumentException if there is none, or they cannot be listed
   */
  public static TextFiles of(String fileOrFolder) {
    return new TextFiles(FileListing.of(Path.of(fileOrFolder)));
  }

  private static List<Piece> piecesOf(Path file, String name) {
    try {
      long size = Files.size(file);
      long modified = Files.getLastModifiedTime(file).toMillis();
      long count = Math.max(1, Math.ceilDiv(size, PIECE));
      List<Piece> pieces = new ArrayList<>();
      for (long i = 0; i < count; i++) {
        pieces.add(new Piece(file, name, size * i / count, size * (i + 1) / count, size, modified));
      }
      return pieces;
    } catch (IOException gone) {
      throw new UncheckedIOException(gone);
    }
  }

  /** Whether this is one file, of however many documents. */
  boolean isSingleFile() {
    return pieces.stream().map(Piece::file).distinct().limit(2).count() == 1;
  }

  @Override
  public List<DocumentSource.Part> parts() {
    List<DocumentSource.Part> parts = new ArrayList<>();
    List<Piece> together = new ArrayList<>();
    long bytes = 0;
    for (Piece piece : pieces) {
      long length = piece.end() - piece.start();
      if (!together.isEmpty() && bytes + length > partBytes) {
        parts.add(new Part(List.copyOf(together), bytes));
        together.clear();
        bytes = 0;
      }
      together.add(piece);
      bytes += length;
    }
    if (!together.isEmpty()) {
      parts.add(new Part(List.copyOf(together), bytes));
    }
    parts.addAll(skipped.parts());
    return parts;
  }

  private record Part(List<Piece> pieces, long bytes) implements DocumentSource.Part {
    @Override
    public String identity() {
      return pieces.stream()
          .map(piece ->
              "%s[%d,%d) of %d at %d"
                  .formatted(
                      piece.name(), piece.start(), piece.end(), piece.size(), piece.modified()))
          .collect(Collectors.joining("\n"));
    }

    @Override
    public void read(DocumentSink sink) throws IOException {
      for (Piece piece : pieces) {
        byte[] bytes;
        try (FileChannel channel = FileChannel.open(piece.file())) {
          bytes = bytesOf(piece, channel);
        } catch (IOException unreadable) {
          sink.skip(SkipReason.UNREADABLE, piece.name(), unreadable.getClass().getSimpleName());
          continue;
        }
        piece.give(bytes, sink);
      }
    }
  }

  /** The bytes of a piece, from the first line that begins in it to the last one's end. */
  private static byte[] bytesOf(Piece piece, FileChannel channel) throws IOException {
    long start = piece.start() == 0 ? 0 : lineStart(channel, piece.start());
    long end = piece.end() == piece.size() ? piece.size() : lineStart(channel, piece.end());
    return read(channel, start, (int) Math.max(0, end - start));
  }

  /** The first start of a line at or after {@code from}; of a character in a very long line. */
  private static long lineStart(FileChannel channel, long from) throws IOException {
    byte[] ahead = read(channel, from - 1, LONGEST_LINE);
    for (int i = 0; i < ahead.length; i++) {
      if (ahead[i] == '\n') {
        return from + i;
      }
    }
    int character = 1;
    while (character < ahead.length && (ahead[character] & 0xC0) == 0x80) {
      character++;
    }
    return from - 1 + character;
  }

  private static byte[] read(FileChannel channel, long from, int length) throws IOException {
    long left = channel.size() - from;
    if (left < 0) {
      throw new EOFException("shorter than when it was listed");
    }
    ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(length, left));
    long at = from;
    while (buffer.hasRemaining()) {
      int count = channel.read(buffer, at);
      if (count < 0) {
        break;
      }
      at += count;
    }
    byte[] bytes = new byte[buffer.position()];
    buffer.flip().get(bytes);
    return bytes;
  }
}

package org.freetransformer.corpus;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.freetransformer.data.Document;
import org.freetransformer.data.DocumentSink;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.data.SkipReason;
import org.freetransformer.data.Split;
import org.freetransformer.data.TextBytes;
import org.jspecify.annotations.Nullable;

/**
 * A file with one JSON object a line, of which one field is the text; compressed if its name ends
 * with {@code .gz} or {@code .zst}, in any case. A file that is not compressed is cut into
 * stretches that are read at the same time.
 */
final class JsonLines implements DocumentSource {
  private static final long PART = 16 << 20;
  private static final int BUFFER = 1 << 16;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder().maxStringLength(Document.MAX_BYTES).build())
          .build();

  private final Path file;
  private final String field;
  private final Optional<Split> split;
  private final long partBytes;

  JsonLines(Path file, String field, Optional<Split> split) {
    this(file, field, split, PART);
  }

  JsonLines(Path file, String field, Optional<Split> split, long partBytes) {
    this.file = file;
    this.field = field;
    this.split = split;
    this.partBytes = partBytes;
  }

  @Override
  public List<DocumentSource.Part> parts() {
    try {
      long size = Files.size(file);
      long modified = Files.getLastModifiedTime(file).toMillis();
      long count = isCompressed() ? 1 : Math.max(1, Math.ceilDiv(size, partBytes));
      List<DocumentSource.Part> parts = new ArrayList<>();
      for (long i = 0; i < count; i++) {
        parts.add(new Stretch(size * i / count, size * (i + 1) / count, size, modified));
      }
      return parts;
    } catch (IOException gone) {
      throw new UncheckedIOException(gone);
    }
  }

  private boolean isCompressed() {
    return hasEnding(".gz") || hasEnding(".zst");
  }

  private boolean hasEnding(String ending) {
    return file.toString().toLowerCase(Locale.ROOT).endsWith(ending);
  }

  /** The lines that begin in bytes {@code start} to {@code end} of the file. */
  private final class Stretch implements DocumentSource.Part {
    private final long start;
    private final long end;
    private final long size;
    private final long modified;

    Stretch(long start, long end, long size, long modified) {
      this.start = start;
      this.end = end;
      this.size = size;
      this.modified = modified;
    }

    @Override
    public String identity() {
      return "%s[%d,%d) of %d at %d, field %s"
          .formatted(file.getFileName(), start, end, size, modified, field);
    }

    @Override
    public long bytes() {
      return end - start;
    }

    @Override
    public Optional<Split> split() {
      return split;
    }

    @Override
    public void read(DocumentSink sink) throws IOException {
      FileChannel opened;
      try {
        opened = FileChannel.open(file);
      } catch (IOException unreadable) {
        String reason = unreadable.getClass().getSimpleName();
        sink.skip(SkipReason.UNREADABLE, file.toString(), reason);
        return;
      }
      try (FileChannel channel = opened) {
        channel.position(Math.max(0, start - 1));
        try (InputStream bytes = decompressed(Channels.newInputStream(channel))) {
          readLines(new LineReader(bytes), sink);
        }
      } catch (LineReader.Broken broken) {
        sink.skip(SkipReason.DAMAGED_FILE, file.toString(), String.valueOf(broken.getMessage()));
      }
    }

    private void readLines(LineReader lines, DocumentSink sink) throws IOException {
      // The byte before the stretch shows whether a line begins with it.
      long offset = start == 0 ? 0 : start - 1 + lines.skipLine();
      long behind = isCompressed() ? Long.MAX_VALUE : end;
      long first = -1;
      for (long number = 0; offset < behind; number++) {
        LineReader.Line line = lines.next();
        if (line == null) {
          return;
        }
        offset += line.length();
        Problem problem = document(line, number, sink);
        if (problem != null) {
          if (first < 0) {
            first = linesBefore(start);
          }
          sink.skip(problem.reason(), place(first + number), problem.detail());
        }
      }
    }

    private @Nullable Problem document(LineReader.Line line, long number, DocumentSink sink)
        throws IOException {
      byte[] bytes = line.bytes();
      if (bytes == null) {
        return new Problem(SkipReason.TOO_LARGE, "%,d bytes".formatted(line.length()));
      }
      if (isBlank(bytes)) {
        return null;
      }
      String json = TextBytes.decode(bytes);
      if (json == null) {
        return new Problem(SkipReason.INVALID_UTF8, "");
      }
      Parsed parsed = parse(json);
      String text = parsed.text();
      if (text == null) {
        return parsed.problem();
      }
      if (text.isBlank()) {
        return new Problem(SkipReason.EMPTY, "");
      }
      // Its line in the stretch: that in the file would cost a count of those before.
      sink.document(new Document("%s@%d:%d".formatted(file, start, number + 1), text));
      return null;
    }
  }

  /** Why a line is no document. */
  private record Problem(SkipReason reason, String detail) {}

  /** A line's text, or what is wrong with it. */
  private record Parsed(@Nullable String text, @Nullable Problem problem) {
    static Parsed not(SkipReason reason, String detail) {
      return new Parsed(null, new Problem(reason, detail));
    }
  }

  /** From text, for bytes would be taken for UTF-16 or UTF-32 where they look like it. */
  private Parsed parse(String line) {
    try (JsonParser parser = JSON.createParser(withoutMark(line))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return Parsed.not(SkipReason.DAMAGED_LINE, "not an object");
      }
      String text = null;
      List<String> others = new ArrayList<>();
      for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
        JsonToken value = parser.nextToken();
        if (key.equals(field) && value == JsonToken.VALUE_STRING) {
          text = parser.getText();
        } else if (others.size() < 5) {
          others.add(key.replaceAll("\\p{Cntrl}", " ")); // A reason is one line.
        }
        parser.skipChildren();
      }
      if (parser.nextToken() != null) {
        return Parsed.not(SkipReason.DAMAGED_LINE, "more text after the object");
      }
      return text != null
          ? new Parsed(text, null)
          : Parsed.not(
              SkipReason.NO_TEXT,
              "'%s'; the object has %s".formatted(field, String.join(", ", others)));
    } catch (StreamConstraintsException tooMuch) {
      return Parsed.not(SkipReason.TOO_LARGE, oneLine(tooMuch.getOriginalMessage()));
    } catch (JsonProcessingException malformed) {
      return Parsed.not(SkipReason.DAMAGED_LINE, oneLine(malformed.getOriginalMessage()));
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  private static String withoutMark(String line) {
    return line.startsWith("\uFEFF") ? line.substring(1) : line;
  }

  private static String oneLine(@Nullable String message) {
    return String.valueOf(message).lines().findFirst().orElse("").strip();
  }

  private static boolean isBlank(byte[] line) {
    for (byte value : line) {
      if (value != ' ' && value != '\t' && value != '\r' && value != '\n') {
        return false;
      }
    }
    return true;
  }

  private InputStream decompressed(InputStream bytes) throws IOException {
    try {
      if (hasEnding(".gz")) {
        return new GZIPInputStream(bytes, BUFFER);
      }
      return hasEnding(".zst") ? new ZstdInputStream(bytes) : bytes;
    } catch (IOException notCompressed) {
      throw new LineReader.Broken(notCompressed);
    }
  }

  private String place(long line) {
    return file + ":" + (line + 1);
  }

  private long linesBefore(long offset) throws IOException {
    long lines = 0;
    try (InputStream bytes = new BufferedInputStream(Files.newInputStream(file), BUFFER)) {
      for (long at = 0; at < offset; at++) {
        int value = bytes.read();
        lines += value == '\n' ? 1 : 0;
      }
      // A stretch that begins within a line leaves that line to the one before.
    }
    return offset == 0 || endsLine(offset) ? lines : lines + 1;
  }

  private boolean endsLine(long offset) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      return Channels.newInputStream(channel.position(offset - 1)).read() == '\n';
    }
  }
}

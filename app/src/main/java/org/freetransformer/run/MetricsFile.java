package org.freetransformer.run;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The file {@code metrics.jsonl}: one JSON object a line, each with its {@code step}. */
public final class MetricsFile implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final FileChannel channel;
  private final List<JsonNode> kept;

  private MetricsFile(Path file, FileChannel channel, List<JsonNode> kept) {
    this.file = file;
    this.channel = channel;
    this.kept = List.copyOf(kept);
  }

  /**
   * Opens the file to write on from a step: what it says of later steps, which a resumed run takes
   * again, is left out.
   *
   * @param step the last step that stays
   */
  public static MetricsFile from(Path file, long step) throws IOException {
    List<JsonNode> kept = new ArrayList<>();
    if (Files.exists(file)) {
      read(file).stream().filter(line -> line.path("step").asLong() <= step).forEach(kept::add);
      StringBuilder text = new StringBuilder();
      kept.forEach(line -> text.append(line).append('\n'));
      OutputFiles.write(file, text.toString());
    }
    return new MetricsFile(
        file, FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND), kept);
  }

  /** The lines of earlier steps that were there when the file was opened. */
  public List<JsonNode> kept() {
    return kept;
  }

  /**
   * Adds a line; other processes see it when this returns. A number that is infinite, or none, is
   * null there.
   *
   * @throws IOException with one line that names the file: a full disk, say
   */
  public void add(Map<String, ? extends @Nullable Object> line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((Json.write(line) + "\n").getBytes(UTF_8));
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException failure) {
      throw FileProblems.cannotWrite(file, failure);
    }
  }

  /** Makes sure that all lines are on the disk. */
  public void flush() throws IOException {
    try {
      channel.force(true);
    } catch (IOException failure) {
      throw FileProblems.cannotWrite(file, failure);
    }
  }

  /**
   * All lines there are. A line that a crash cut off is left out.
   *
   * @throws IOException with one line that names the file, if it cannot be read or is a folder
   */
  public static List<JsonNode> read(Path file) throws IOException {
    List<String> text;
    try {
      text = Files.readAllLines(file);
    } catch (IOException failure) {
      String reason = Files.isDirectory(file) ? "is a folder" : FileProblems.reason(failure);
      throw new IOException("cannot read %s: %s".formatted(file, reason), failure);
    }
    List<JsonNode> lines = new ArrayList<>();
    for (String line : text) {
      try {
        lines.add(JSON.readTree(line));
      } catch (JsonProcessingException cutOff) {
        break;
      }
    }
    return lines;
  }

  /** A number of a line; NaN where it has none. */
  public static double number(JsonNode line, String key) {
    return line.path(key).isNumber() ? line.path(key).doubleValue() : Double.NaN;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}

package org.freetransformer.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The file {@code metrics.jsonl}: one JSON object a line, each with its {@code step}. */
public final class MetricsFile implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final BufferedWriter writer;

  private MetricsFile(BufferedWriter writer) {
    this.writer = writer;
  }

  /**
   * Opens the file to write on from a step: what it says of later steps, which a resumed run takes
   * again, is left out.
   *
   * @param step the last step that stays
   */
  public static MetricsFile from(Path file, long step) throws IOException {
    if (Files.exists(file)) {
      StringBuilder kept = new StringBuilder();
      for (JsonNode line : read(file)) {
        if (line.path("step").asLong() <= step) {
          kept.append(line).append('\n');
        }
      }
      OutputFiles.write(file, kept.toString());
    }
    return new MetricsFile(
        Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
  }

  /** Adds a line; it is on its way to the disk when this returns. */
  public void add(Map<String, Object> line) throws IOException {
    writer.write(JSON.writeValueAsString(line));
    writer.newLine();
    writer.flush();
  }

  /**
   * All lines there are. A line that a crash cut off is left out.
   *
   * @throws IOException if the file cannot be read
   */
  public static List<JsonNode> read(Path file) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      try {
        lines.add(JSON.readTree(line));
      } catch (JsonProcessingException cutOff) {
        break;
      }
    }
    return lines;
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }
}

package org.freetransformer.study;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Origin;

/** The file of a study's runs: one JSON object a line, with what was changed in its preset. */
final class StudyFile {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CHANGES = "set";

  /** How every line begins, by which one that was cut off is known. */
  private static final String BEGINNING = "{\"remedy\":";

  private final Path file;
  private final List<String> changes;

  /**
   * A file that need not be there yet.
   *
   * @param changes of the preset, in all its runs
   */
  StudyFile(Path file, List<String> changes) {
    this.file = file;
    this.changes = List.copyOf(changes);
  }

  /**
   * Its runs, without one whose line was cut off at the end.
   *
   * @throws ConfigException if it holds anything else, or runs with other changes
   */
  List<StudyRun> read() throws IOException {
    if (!Files.exists(file)) {
      return List.of();
    }
    // Not strictly: what is no text at all is refused by its first line.
    String text = new String(Files.readAllBytes(file), UTF_8);
    List<String> lines = text.lines().toList();
    List<StudyRun> runs = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      boolean last = i == lines.size() - 1 && !text.endsWith("\n");
      if (!last || !isCutOff(lines.get(i))) {
        runs.add(read(lines.get(i), new Origin(file.toString(), i + 1)));
      }
    }
    return runs;
  }

  /** The line of a run. */
  Map<String, Object> line(StudyRun run) {
    Map<String, Object> line = new LinkedHashMap<>(run.toMap());
    line.put(CHANGES, changes);
    return line;
  }

  private static boolean isCutOff(String line) {
    try {
      JSON.readTree(line);
      return false;
    } catch (JsonProcessingException incomplete) {
      return line.startsWith(BEGINNING) || BEGINNING.startsWith(line);
    }
  }

  private StudyRun read(String line, Origin origin) {
    JsonNode object = parse(line, origin);
    StudyRun run;
    try {
      run = StudyRun.read(object);
    } catch (ConfigException wrong) {
      throw wrong.at(origin, wrong.key());
    }
    List<String> made = new ArrayList<>();
    object.path(CHANGES).forEach(change -> made.add(change.asText()));
    if (!made.equals(changes)) {
      throw new ConfigException(
              "",
              "is a run with --set %s, not %s; name another --out, or give the same --set"
                  .formatted(made, changes))
          .at(origin, "");
    }
    return run;
  }

  private static JsonNode parse(String line, Origin origin) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException other) {
      throw new ConfigException("", "is not a run of this study; name another --out")
          .at(origin, "");
    }
  }
}

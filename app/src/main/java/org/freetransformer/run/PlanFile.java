package org.freetransformer.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;

/** A plan as JSON: {@code {"plan": [...]}}, or what {@code ft generate --json} printed. */
public final class PlanFile {
  private static final ObjectMapper JSON = new ObjectMapper();

  private PlanFile() {}

  /**
   * The plan indices by position; of several samples those of the first.
   *
   * @throws ConfigException if the file is missing or holds no plan
   */
  public static List<Integer> read(Path file) {
    InputFiles.requireExists(file, "plan (prior, encode or a file)");
    JsonNode root = parse(file);
    JsonNode plan = root.has("samples") ? root.at("/samples/0/plan") : root.path("plan");
    if (!plan.isArray() || plan.isEmpty()) {
      throw FileProblems.at(
          file, "holds no plan; {\"plan\": [numbers]} or the JSON of ft generate is needed");
    }
    List<Integer> indices = new ArrayList<>();
    for (JsonNode index : plan) {
      if (!index.isInt() || index.asInt() < 0) {
        throw FileProblems.at(file, "plan entry %s is not a whole number from 0".formatted(index));
      }
      indices.add(index.asInt());
    }
    return indices;
  }

  private static JsonNode parse(Path file) {
    try {
      return JSON.readTree(Files.readString(file));
    } catch (JsonProcessingException malformed) {
      throw FileProblems.at(
          file, "is not JSON: " + ConfigJson.reason(malformed.getOriginalMessage()));
    } catch (IOException failure) {
      throw FileProblems.at(file, "cannot be read: " + FileProblems.reason(failure));
    }
  }
}

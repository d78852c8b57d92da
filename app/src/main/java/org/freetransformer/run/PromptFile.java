package org.freetransformer.run;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.LineNumberReader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.Origin;

/**
 * Prompts in a file: one a line, or an object {@code {"prompt": "..."}} a line of JSON lines, where
 * blank lines are passed over.
 */
public final class PromptFile {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final String BYTE_ORDER_MARK = "\uFEFF";
  private static final String KEY = "prompt";

  /**
   * A prompt.
   *
   * @param origin where it was written
   * @param text what is to be gone on from
   */
  public record Prompt(Origin origin, String text) {}

  private PromptFile() {}

  /**
   * The prompts of a file in UTF-8, which are JSON lines if its name ends with {@code .jsonl}.
   *
   * @param most how many it may hold
   * @throws ConfigException if it is missing, not UTF-8, or holds none or too many
   */
  public static List<Prompt> read(Path file, int most) {
    InputFiles.requireReadable(file, "file of prompts");
    try (InputStream in = Files.newInputStream(file)) {
      return read(in, file.toString(), file.toString().endsWith(".jsonl"), most);
    } catch (IOException failure) {
      throw FileProblems.at(file, "cannot be read: " + FileProblems.reason(failure));
    }
  }

  /**
   * The lines of a stream in UTF-8, each a prompt; it is left open.
   *
   * @param source its name in errors
   * @param most how many it may hold
   * @throws ConfigException if it is not UTF-8, or holds none or too many
   */
  public static List<Prompt> readLines(InputStream in, String source, int most) throws IOException {
    return read(in, source, false, most);
  }

  private static List<Prompt> read(InputStream in, String source, boolean json, int most)
      throws IOException {
    List<Prompt> prompts = new ArrayList<>();
    var lines = new LineNumberReader(new InputStreamReader(in, UTF_8.newDecoder()));
    try {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        int number = lines.getLineNumber();
        if (number == 1 && line.startsWith(BYTE_ORDER_MARK)) {
          line = line.substring(BYTE_ORDER_MARK.length());
        }
        if (json && line.isBlank()) {
          continue;
        }
        if (prompts.size() == most) {
          throw problem(
              Origin.of(source), "holds more prompts than the %d allowed".formatted(most));
        }
        Origin origin = new Origin(source, number);
        prompts.add(new Prompt(origin, json ? text(line, origin) : line));
      }
    } catch (CharacterCodingException invalid) {
      throw problem(Origin.of(source), "is not UTF-8, after line " + lines.getLineNumber());
    }
    if (prompts.isEmpty()) {
      throw problem(Origin.of(source), "holds no prompt; a line for each is needed");
    }
    return prompts;
  }

  private static String text(String line, Origin origin) {
    JsonNode object;
    try {
      object = JSON.readTree(line);
    } catch (MismatchedInputException more) {
      throw problem(origin, "has more text after the object; a line for each prompt is needed");
    } catch (JsonProcessingException malformed) {
      throw problem(origin, "is not JSON: " + ConfigJson.reason(malformed.getOriginalMessage()));
    }
    if (!object.path(KEY).isTextual()) {
      throw problem(origin, "holds no prompt; {\"%s\": \"text\"} is needed".formatted(KEY));
    }
    return object.path(KEY).textValue();
  }

  private static ConfigException problem(Origin origin, String problem) {
    return new ConfigException("", problem).at(origin, "");
  }
}

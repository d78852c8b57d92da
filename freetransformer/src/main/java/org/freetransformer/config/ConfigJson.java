package org.freetransformer.config;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Configuration trees as JSON, for the headers of checkpoints. */
public final class ConfigJson {

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(64).build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  private ConfigJson() {}

  /**
   * Reads one JSON value and nothing after it.
   *
   * @param source the name to print in errors
   * @throws ConfigException if it is not JSON, holds NaN or infinity, repeats a key, or nests
   *     deeper than 64 levels
   */
  public static ConfigNode read(String json, String source) {
    try (JsonParser parser = JSON.createParser(json)) {
      if (parser.nextToken() == null) {
        throw new ConfigException("", "is empty; a JSON object is needed")
            .at(Origin.of(source), "");
      }
      ConfigNode node = readValue(parser, source, lineOf(parser));
      if (parser.nextToken() != null) {
        throw new ConfigException("", "has more text after the JSON value")
            .at(new Origin(source, lineOf(parser)), "");
      }
      return node;
    } catch (JsonProcessingException malformed) {
      int line = malformed.getLocation() == null ? 0 : malformed.getLocation().getLineNr();
      throw new ConfigException("", "is not valid JSON: " + reason(malformed.getOriginalMessage()))
          .at(new Origin(source, line), "");
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  /** What a parser of JSON found wrong, in one line: it also tells places of which it kept none. */
  public static String reason(@Nullable String parsersMessage) {
    String message = String.valueOf(parsersMessage);
    return message.startsWith("Unexpected end-of-input")
        ? "it ends too early"
        : message
            .lines()
            .findFirst()
            .orElse("")
            .replaceAll(" ?\\([^(\\[]*\\[Source: [^]]*]\\)", "");
  }

  /** Writes maps with text keys, lists, text, finite numbers, booleans and null, on one line. */
  public static String write(@Nullable Object value) {
    StringWriter text = new StringWriter();
    try (JsonGenerator generator = JSON.createGenerator(text)) {
      writeValue(generator, value);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return text.toString();
  }

  private static ConfigNode readValue(JsonParser parser, String source, int line)
      throws IOException {
    Origin origin = new Origin(source, line);
    return switch (parser.currentToken()) {
      case START_OBJECT -> readObject(parser, source, origin);
      case START_ARRAY -> {
        List<ConfigNode> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          items.add(readValue(parser, source, lineOf(parser)));
        }
        yield new ConfigNode.Sequence(items, origin);
      }
      case VALUE_STRING -> new ConfigNode.Scalar(parser.getText(), origin);
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT ->
          new ConfigNode.Scalar(parser.getNumberValue(), origin);
      case VALUE_TRUE, VALUE_FALSE -> new ConfigNode.Scalar(parser.getBooleanValue(), origin);
      default -> new ConfigNode.Scalar(null, origin);
    };
  }

  private static ConfigNode readObject(JsonParser parser, String source, Origin origin)
      throws IOException {
    Map<String, ConfigNode> entries = new LinkedHashMap<>();
    for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
      int line = lineOf(parser);
      parser.nextToken();
      entries.put(key, readValue(parser, source, line));
    }
    return new ConfigNode.Mapping(entries, origin);
  }

  private static int lineOf(JsonParser parser) {
    return parser.currentTokenLocation().getLineNr();
  }

  private static void writeValue(JsonGenerator generator, @Nullable Object value)
      throws IOException {
    switch (value) {
      case null -> generator.writeNull();
      case String text -> generator.writeString(text);
      case Boolean flag -> generator.writeBoolean(flag);
      case Integer number -> generator.writeNumber(number);
      case Long number -> generator.writeNumber(number);
      case Double number when Double.isFinite(number) -> generator.writeNumber(number);
      case List<?> list -> {
        generator.writeStartArray();
        for (Object item : list) {
          writeValue(generator, item);
        }
        generator.writeEndArray();
      }
      case Map<?, ?> map -> {
        generator.writeStartObject();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          generator.writeFieldName(String.valueOf(entry.getKey()));
          writeValue(generator, entry.getValue());
        }
        generator.writeEndObject();
      }
      default -> throw new IllegalArgumentException(value + " cannot be written as JSON");
    }
  }
}

package org.freetransformer.run;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.StringWriter;

/**
 * JSON as commands, files and the server write it. Checkpoints' headers are the library's, which
 * has a strict writer of its own: what is no number must not get into a checkpoint as null.
 */
public final class Json {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  /**
   * One line of JSON; null in place of numbers that are infinite, or none.
   *
   * @param object a map, or a tree of Jackson's
   */
  public static String write(Object object) {
    StringWriter text = new StringWriter();
    try (JsonGenerator generator = new FiniteNumbers(MAPPER.createGenerator(text))) {
      MAPPER.writeValue(generator, object);
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible);
    }
    return text.toString();
  }
}

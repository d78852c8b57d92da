package org.freetransformer.run;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.StringWriter;

/** JSON as all commands and files write it. */
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

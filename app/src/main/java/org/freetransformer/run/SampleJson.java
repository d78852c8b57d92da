package org.freetransformer.run;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A written sample as commands, files and the server tell it. */
public final class SampleJson {
  private SampleJson() {}

  /**
   * Its keys in order; whoever has more to tell adds to them.
   *
   * @param text without the prompt
   * @param tokens the new tokens
   * @param plans of every position, the prompt's first; empty for a baseline
   * @param finishReason why it ended
   */
  public static Map<String, Object> of(
      String text, List<Integer> tokens, List<Integer> plans, Enum<?> finishReason) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("text", text);
    map.put("tokens", tokens);
    map.put("plan", plans);
    map.put("finish_reason", finishReason.name().toLowerCase(Locale.ROOT));
    return map;
  }
}

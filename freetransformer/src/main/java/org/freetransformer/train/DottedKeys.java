package org.freetransformer.train;

import java.util.LinkedHashMap;
import java.util.Map;

/** Nested settings as one map, their keys with dots between them: {@code latent.gradient}. */
final class DottedKeys {
  private DottedKeys() {}

  /** The values of nested maps, in their order; an empty map has none. */
  static Map<String, Object> of(Map<?, ?> nested) {
    Map<String, Object> all = new LinkedHashMap<>();
    nested.forEach((key, value) -> {
      if (value instanceof Map<?, ?> inner) {
        of(inner).forEach((rest, found) -> all.put(key + "." + rest, found));
      } else {
        all.put(key.toString(), value);
      }
    });
    return all;
  }
}

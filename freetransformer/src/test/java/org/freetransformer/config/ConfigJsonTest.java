package org.freetransformer.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class ConfigJsonTest {

  @Test
  void readsWhatItWrites() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("text", "a \"quoted\" λ");
    map.put("whole", 1L << 40);
    map.put("number", 3e-4);
    map.put("flag", true);
    map.put("nothing", null);
    List<Object> list = new ArrayList<>(List.of(1, "two"));
    map.put("nested", Map.of("list", list));
    ConfigNode.Mapping read = (ConfigNode.Mapping) ConfigJson.read(ConfigJson.write(map), "h");
    assertThat(ConfigJson.write(plain(read))).isEqualTo(ConfigJson.write(map));
  }

  @Test
  void knowsTheLineOfEveryKey() {
    ConfigNode.Mapping read =
        (ConfigNode.Mapping) ConfigJson.read("{\n \"a\": 1,\n \"b\":\n {\"c\": 2}}", "h");
    assertThat(read.entries()).extractingByKey("a").asString().contains("origin=h:2");
    assertThat(read.entries()).extractingByKey("b").asString().contains("origin=h:3");
  }

  @Test
  void refusesWhatIsNotOneJsonValue() {
    for (String text :
        List.of("", "{", "{\"a\":NaN}", "{\"a\":1,\"a\":2}", "{} {}", "[".repeat(100_000), "nul")) {
      assertThatThrownBy(() -> ConfigJson.read(text, "header"))
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith("header")
          .message()
          .doesNotContain("\n");
    }
  }

  @Test
  void tellsNoPlacesOfWhichNothingWasKept() {
    for (String text : List.of("{\"a\": [1, 2", "{\"a\": [1}")) {
      assertThatThrownBy(() -> ConfigJson.read(text, "header"))
          .hasMessageStartingWith("header:1: is not valid JSON: ")
          .message()
          .doesNotContain("Source", "marker at", "( ");
    }
  }

  @Test
  void refusesToWriteNaN() {
    assertThatThrownBy(() -> ConfigJson.write(Map.of("a", Double.NaN)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("NaN");
  }

  private static @Nullable Object plain(ConfigNode node) {
    return switch (node) {
      case ConfigNode.Mapping mapping -> {
        Map<String, Object> map = new LinkedHashMap<>();
        mapping.entries().forEach((key, value) -> map.put(key, plain(value)));
        yield map;
      }
      case ConfigNode.Sequence sequence ->
          sequence.items().stream().map(ConfigJsonTest::plain).toList();
      case ConfigNode.Scalar scalar -> scalar.value();
    };
  }
}

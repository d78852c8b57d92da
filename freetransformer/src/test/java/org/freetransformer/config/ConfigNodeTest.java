package org.freetransformer.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ConfigNodeTest {

  private static final Origin OPTION = Origin.of("--set");

  private static ConfigNode.Mapping mapping(Map<String, Object> map) {
    return (ConfigNode.Mapping) ConfigNode.of(map, new Origin("run.yaml", 1));
  }

  @Test
  void replacesAndAddsValuesByPath() {
    ConfigNode.Mapping before = mapping(Map.of("model", Map.of("num_layers", 2)));
    ConfigNode.Mapping after =
        before
            .with("model.num_layers", new ConfigNode.Scalar(4, OPTION))
            .with("training.seed", new ConfigNode.Scalar(7, OPTION));
    assertThat(ConfigSection.root(after).section("model").integer("num_layers", 0)).isEqualTo(4);
    assertThat(ConfigSection.root(after).section("training").integer("seed", 0)).isEqualTo(7);
    assertThat(ConfigSection.root(before).section("model").integer("num_layers", 0)).isEqualTo(2);
  }

  @Test
  void refusesPathsThatLeadNowhere() {
    ConfigNode.Mapping tree = mapping(Map.of("seed", 1));
    for (String path : List.of("seed.inner", "", ".seed", "seed.", "a..b")) {
      assertThatThrownBy(() -> tree.with(path, new ConfigNode.Scalar(1, OPTION)))
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith("--set");
    }
  }

  @Test
  void refusesValuesThatNoFileCanHold() {
    assertThatThrownBy(() -> ConfigNode.of(new Object(), OPTION))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("java.lang.Object");
  }

  @Test
  void readsListsOfNumbersAndTexts() {
    ConfigSection section =
        ConfigSection.root(
            mapping(
                Map.of(
                    "numbers",
                    List.of(1, 2.0),
                    "half",
                    List.of(0.5),
                    "text",
                    "a",
                    "texts",
                    List.of("a", "b"))));
    assertThat(section.integers("numbers")).containsExactly(1, 2);
    assertThat(section.integers("absent")).isEmpty();
    assertThat(section.texts("text")).containsExactly("a");
    assertThat(section.texts("texts")).containsExactly("a", "b");
    assertThat(section.texts("absent")).isEmpty();
    assertThatThrownBy(() -> section.integers("half")).hasMessageContaining("half: 0.5 is not");
    assertThatThrownBy(() -> section.integers("text"))
        .hasMessageContaining("text: must be a list of whole numbers, not the text 'a'");
    assertThatThrownBy(() -> section.texts("numbers"))
        .hasMessageContaining("numbers: must be a text or a list of texts, not 1");
  }
}

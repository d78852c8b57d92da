package org.freetransformer.run;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.data.DataConfig;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.TrainingConfig;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The tables of the page on configurations are those of the program, and of its presets. */
class ConfigurationPageTest {
  private static final Path ROOT = Path.of("..");
  private static final Path PAGE = ROOT.resolve("docs/training/configuration.md");
  private static final Path GUIDE = ROOT.resolve("docs/training/guide.md");
  private static final Path DEVICES = ROOT.resolve("docs/training/multi-device.md");
  private static final Pattern SECTION = Pattern.compile("(?ms)^## (.+?)$(.*?)(?=^## |\\z)");
  private static final Pattern KEY = Pattern.compile("`([a-z][\\w.]*)`");
  private static final Pattern ALLOWED =
      Pattern.compile("allowed (?:at the top|in [\\w.]+) are ([\\w, ]+)");
  private static final Pattern PRESET =
      Pattern.compile(
          "(?m)^\\| \\[([\\w-]+\\.yaml)]\\(\\S+\\) \\| `?([\\w ]+)`? \\| ([\\d,]+|–) \\| ([\\d,]+)"
              + " \\| `([\\w-]+)` \\|");

  /** Defaults that follow from another key, as the page tells them. */
  private static final Map<String, String> DERIVED =
      Map.of(
          "model.num_kv_heads", "as `num_heads`",
          "model.split_layer", "half of `num_layers`",
          "model.encoder.num_kv_heads", "as `num_kv_heads`",
          "data.max_length", "as `model.max_seq_len`, 2048 at most",
          "data.synthetic_vocab_size", "as `model.vocab_size`, 10000 at most",
          "data.synthetic_seq_length", "as `max_length`, 512 at most");

  /** Every row of the page's tables: the key with its section, and the cells after it. */
  private static Map<String, List<String>> rows(String section) throws IOException {
    Map<String, List<String>> rows = new LinkedHashMap<>();
    section(PAGE, "Section `" + section + "`")
        .lines()
        .filter(line -> line.startsWith("| `"))
        .map(line -> Stream.of(line.substring(1).split("\\|", -1)).map(String::strip).toList())
        .forEach(cells ->
            rows.put(
                section + "." + cells.getFirst().replace("`", ""), cells.subList(1, cells.size())));
    return rows;
  }

  private static String section(Path page, String title) throws IOException {
    return SECTION
        .matcher(Files.readString(page))
        .results()
        .filter(found -> found.group(1).equals(title))
        .map(found -> found.group(2))
        .findFirst()
        .orElseThrow(() -> new AssertionError("%s has no section %s".formatted(page, title)));
  }

  private static RunConfig read(String yaml) {
    return RunConfig.read(ConfigFile.parse(yaml, "a test"), note -> {});
  }

  /** Every key of a section, with dots, and its value. */
  private static Map<String, Object> flat(RunConfig config) {
    Map<String, Object> flat = new LinkedHashMap<>();
    flatten("", config.toMap(), flat);
    return flat;
  }

  private static void flatten(String path, Map<?, ?> section, Map<String, Object> flat) {
    section.forEach((key, value) -> {
      if (value instanceof Map<?, ?> inner) {
        flatten(path + key + ".", inner, flat);
      } else {
        flat.put(path + key, value);
      }
    });
  }

  @Test
  void everyKeyOfModelAndDataHasItsDefault() throws IOException {
    Map<String, List<String>> told = rows("model");
    told.putAll(rows("data"));
    Map<String, Object> real = flat(read("{}"));
    real.keySet().removeIf(key -> key.startsWith("training."));

    assertThat(told.keySet()).containsExactlyElementsOf(inOrderOf(told, real));
    told.forEach((key, cells) -> {
      assertThat(cells).as(key).hasSize(5);
      String cell = cells.get(1);
      String derived = DERIVED.get(key);
      if (derived == null) {
        assertThat(isSame(cell.replace("`", ""), real.get(key)))
            .as("%s is told as %s and is %s", key, cell, real.get(key))
            .isTrue();
      } else {
        assertThat(cell).as(key).isEqualTo(derived);
      }
    });
  }

  /**
   * All real keys, those on the page in its order: a missing one is then named by the assertion.
   */
  private static Set<String> inOrderOf(Map<String, List<String>> told, Map<String, Object> real) {
    Set<String> keys = new LinkedHashSet<>(told.keySet());
    keys.retainAll(real.keySet());
    keys.addAll(real.keySet());
    return keys;
  }

  private static boolean isSame(String told, @Nullable Object real) {
    String value = String.valueOf(real);
    return real instanceof Number
        ? new BigDecimal(told).compareTo(new BigDecimal(value)) == 0
        : told.replace("''", "").equals(value);
  }

  @Test
  void derivedDefaultsFollowAsThePageTells() {
    Map<String, Object> small =
        flat(read("model: {num_heads: 8, num_layers: 6, max_seq_len: 100, vocab_size: 500}"));
    assertThat(small)
        .containsEntry("model.num_kv_heads", 8)
        .containsEntry("model.encoder.num_kv_heads", 8)
        .containsEntry("model.split_layer", 3)
        .containsEntry("data.max_length", 100)
        .containsEntry("data.synthetic_vocab_size", 500)
        .containsEntry("data.synthetic_seq_length", 100);
    Map<String, Object> large =
        flat(read("model: {num_kv_heads: 2, max_seq_len: 9000, vocab_size: 50000}"));
    assertThat(large)
        .containsEntry("model.encoder.num_kv_heads", 2)
        .containsEntry("data.max_length", 2048)
        .containsEntry("data.synthetic_vocab_size", 10_000)
        .containsEntry("data.synthetic_seq_length", 512);
  }

  /** Keys are asked of the program itself: an unknown one makes it list those that it reads. */
  @Test
  void noKeyThatIsReadIsLeftOut() throws IOException {
    Set<String> told = new LinkedHashSet<>(rows("model").keySet());
    told.addAll(rows("data").keySet());
    told.addAll(keys(section(PAGE, "Keys of the original project"), ""));
    told.addAll(keys(section(GUIDE, "Keys of the section `training`"), "training."));
    told.addAll(keys(section(DEVICES, "What is split"), "training.fsdp_config."));

    assertThat(Stream.of("model", "training", "data").flatMap(path -> read(path, told)))
        .hasSizeGreaterThan(80)
        .allSatisfy(key -> assertThat(told).contains(key));
  }

  private static Set<String> keys(String text, String prefix) {
    Set<String> keys = new LinkedHashSet<>();
    KEY.matcher(text).results().map(key -> prefix + key.group(1)).forEach(keys::add);
    return keys;
  }

  /** The keys that the program reads in a section, and in those inside of it. */
  private static Stream<String> read(String path, Set<String> told) {
    String[] sections = path.split("\\.", -1);
    StringBuilder yaml = new StringBuilder("{not_a_key: 1}");
    for (int i = sections.length - 1; i > 0; i--) {
      yaml.insert(0, "{" + sections[i] + ": ").append('}');
    }
    ConfigNode node = ConfigFile.parse(yaml.toString(), "a test");
    ConfigException refusal =
        catchThrowableOfType(
            ConfigException.class, () -> readSection(sections[0], ConfigSection.root(node)));
    Matcher allowed = ALLOWED.matcher(String.valueOf(refusal.getMessage()));
    assertThat(allowed.find()).as(refusal.getMessage()).isTrue();
    return Stream.of(allowed.group(1).split(", ", -1))
        .map(key -> path + "." + key)
        .flatMap(key -> isSection(key, told) ? read(key, told) : Stream.of(key));
  }

  private static void readSection(String name, ConfigSection section) {
    switch (name) {
      case "model" -> ModelConfig.read(section);
      case "training" -> TrainingConfig.read(section, note -> {});
      default -> DataConfig.read(section, 32_000, 2048, note -> {});
    }
  }

  private static boolean isSection(String key, Set<String> told) {
    return told.stream().anyMatch(other -> other.startsWith(key + "."));
  }

  @Test
  void everyPresetStandsThereAsItIs() throws IOException {
    Map<String, List<String>> told =
        PRESET
            .matcher(section(PAGE, "Presets"))
            .results()
            .collect(toMap(row -> row.group(1), ConfigurationPageTest::cells));
    Map<String, List<String>> real = new LinkedHashMap<>();
    try (Stream<Path> files = Files.list(ROOT.resolve("configs"))) {
      files.forEach(file -> real.put(file.getFileName().toString(), cells(file)));
    }
    assertThat(told).containsExactlyInAnyOrderEntriesOf(real);
  }

  private static List<String> cells(MatchResult row) {
    return List.of(row.group(2), row.group(3), row.group(4), row.group(5));
  }

  private static List<String> cells(Path file) {
    ConfigNode document = ConfigFile.read(file);
    RunConfig preset = RunConfig.read(document, note -> {});
    boolean hasModel =
        document instanceof ConfigNode.Mapping all && all.entries().containsKey("model");
    return List.of(
        hasModel ? ConfigSection.nameOf(preset.model().kind()) : "the saved one",
        hasModel ? "%,d".formatted(preset.model().parameterCount()) : "–",
        "%,d".formatted(preset.training().maxSteps()),
        preset.data().datasetName());
  }
}

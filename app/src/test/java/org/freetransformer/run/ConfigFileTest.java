package org.freetransformer.run;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Origin;
import org.freetransformer.train.RunConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigFileTest {
  @TempDir private Path folder;

  private Path file(String yaml) throws IOException {
    return Files.writeString(folder.resolve("run.yaml"), yaml);
  }

  private static RunConfig typed(ConfigNode document) {
    return RunConfig.read(document, _ -> {});
  }

  private static ConfigNode child(ConfigNode node, String key) {
    return Objects.requireNonNull(((ConfigNode.Mapping) node).entries().get(key));
  }

  /** The tests' working folder is a module of this project, not the file's folder. */
  @Test
  void pathsOfDataAreFoundBesideTheFileAndItsFolder() throws IOException {
    Path configs = Files.createDirectory(folder.resolve("configs"));
    Path texts = Files.createDirectory(folder.resolve("texts"));
    Path tokenizer = Files.writeString(configs.resolve("own.json"), "{}");
    Path yaml = configs.resolve("run.yaml");
    Files.writeString(yaml, "data:\n  data_dir: ./texts\n  tokenizer: own.json\n");
    ConfigNode data = child(ConfigFile.locateData(ConfigFile.read(yaml), yaml), "data");
    assertThat(child(data, "data_dir"))
        .isEqualTo(new ConfigNode.Scalar(texts.toString(), new Origin(yaml.toString(), 2)));
    assertThat(child(data, "tokenizer")).extracting("value").isEqualTo(tokenizer.toString());
  }

  @ParameterizedTest
  @CsvSource({"nowhere, byte", "/texts, gpt2", "a\0b, byte"})
  void pathsThatLeadNowhereStay(String path, String tokenizer) throws IOException {
    Files.createDirectory(folder.resolve("byte"));
    Files.createDirectory(folder.resolve("gpt2"));
    ConfigNode document =
        ConfigFile.set(
            ConfigFile.parse("data: {}", "memory"), List.of("data.tokenizer=" + tokenizer));
    document =
        ((ConfigNode.Mapping) document)
            .with("data.data_dir", new ConfigNode.Scalar(path, Origin.of("memory")));
    assertThat(ConfigFile.locateData(document, folder.resolve("run.yaml"))).isEqualTo(document);
  }

  @Test
  void pathsOfDataAreSeenFromTheWorkingFolderFirst() {
    ConfigNode document = ConfigFile.parse("data:\n  data_dir: src/test\n", "memory");
    ConfigNode data = child(ConfigFile.locateData(document, null), "data");
    assertThat(child(data, "data_dir"))
        .extracting("value")
        .isEqualTo(Path.of("src", "test").toAbsolutePath().toString());
  }

  @Test
  void readsValuesOfEveryKindWithTheirLines() throws IOException {
    ConfigNode root =
        ConfigFile.read(
            file(
                """
                # a comment
                whole: 12
                number: 3e-4
                flag: true
                text: plan-letters
                nothing: ~
                list: [1, two]
                section:
                  inner: 0.5
                """));
    Origin three = new Origin(folder.resolve("run.yaml").toString(), 3);
    assertThat(child(root, "whole")).extracting("value").isEqualTo(12);
    assertThat(child(root, "number")).isEqualTo(new ConfigNode.Scalar(3e-4, three));
    assertThat(child(root, "flag")).extracting("value").isEqualTo(true);
    assertThat(child(root, "text")).extracting("value").isEqualTo("plan-letters");
    assertThat(child(root, "nothing")).extracting("value").isNull();
    assertThat(((ConfigNode.Sequence) child(root, "list")).items()).hasSize(2);
    assertThat(child(child(root, "section"), "inner").origin().line()).isEqualTo(9);
  }

  @Test
  void anUnknownKeyIsToldWithFileLineAndNearestKey() throws IOException {
    Path file = file("model:\n  num_layers: 4\n  hiden_dim: 64\n");
    assertThatThrownBy(() -> typed(ConfigFile.read(file)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("run.yaml:3")
        .hasMessageContaining("model.hidden_dim");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          'a: 1\\nb: 2\\na: 3'          | :3: a: the key stands twice, first on line 1
          'a: 1\\nb: [1\\nc: 2'         | :3: is not valid YAML
          'a: 1\\n---\\nb: 2'           | is not valid YAML: expected a single document
          '\\tb: 1'                     | :1: is not valid YAML
          'a: &x {b: *x}'               | nests deeper than 64 levels
          '[a]: 1'                      | :1: has a key that is not plain text
          'a: \\1'                      | is not valid YAML
          '!::::%8'                     | is not valid YAML: Tag must not contain
          """)
  void whatIsNotAConfigurationIsToldInOneLine(String yaml, String message) throws IOException {
    Path file = file(yaml.translateEscapes());
    assertThatThrownBy(() -> ConfigFile.read(file))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("run.yaml")
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @Test
  void aliasesCannotMakeASmallFileHuge() throws IOException {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
      String use = "*a" + (i - 1);
      bomb.append("a%d: &a%d [%s, %s, %s, %s]\n".formatted(i, i, use, use, use, use));
    }
    Path file = file(bomb.toString());
    assertThatThrownBy(() -> ConfigFile.read(file)).isInstanceOf(ConfigException.class);
  }

  @Test
  void noTagMakesAnObject() throws IOException {
    ConfigNode root = ConfigFile.read(file("model: !!java/java.net.URL http://example.org\n"));
    assertThatThrownBy(() -> typed(root)).isInstanceOf(ConfigException.class);
  }

  @Test
  void aMissingFileGetsTheNearestName() throws IOException {
    file("model: {}\n");
    assertThatThrownBy(() -> ConfigFile.read(folder.resolve("rum.yaml")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("no such configuration file")
        .hasMessageContaining("nearest is " + folder.resolve("run.yaml"));
  }

  @Test
  void aFolderAndABinaryFileAreRefused() throws IOException {
    assertThatThrownBy(() -> ConfigFile.read(folder)).hasMessageContaining("is a folder");
    Path binary = Files.write(folder.resolve("x.yaml"), "é".getBytes(ISO_8859_1));
    assertThatThrownBy(() -> ConfigFile.read(binary)).hasMessageContaining("not text in UTF-8");
  }

  @Test
  void setChangesAValueAndNamesItselfInErrors() throws IOException {
    ConfigNode root = ConfigFile.read(file("training:\n  max_steps: 5\n"));
    ConfigNode changed = ConfigFile.set(root, "training.learning_rate=1e-3");
    assertThat(typed(changed).training().learningRate()).isEqualTo(1e-3);
    assertThat(typed(changed).training().maxSteps()).isEqualTo(5);
    assertThatThrownBy(() -> typed(ConfigFile.set(root, "training.max_stepz=7")))
        .hasMessageStartingWith("--set training.max_stepz=7: training.max_stepz")
        .hasMessageContaining("training.max_steps");
    assertThatThrownBy(() -> ConfigFile.set(root, "max_steps")).hasMessageContaining("key=value");
    assertThatThrownBy(() -> ConfigFile.set(root, "training.max_steps.x=1"))
        .hasMessageContaining("plain value");
  }

  /** Behind it may stand a variable of a script that was not set: no default is meant. */
  @Test
  void aKeyWithoutAValueIsRefused() throws IOException {
    ConfigNode root = ConfigFile.read(file("model:\ntraining:\n  max_steps: 5\n"));
    for (String empty : List.of("", " ")) {
      assertThatThrownBy(() -> ConfigFile.set(root, "training.max_steps=" + empty))
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith("--set training.max_steps=" + empty + ": training.max_steps: has")
          .hasMessageContaining("has no value");
    }
    ConfigNode unset = ConfigFile.set(root, "training.max_steps=null");
    assertThat(typed(unset).training().maxSteps()).isEqualTo(100_000);
    for (String yaml : List.of("hidden_dim:", "hidden_dim: # 64", "{hidden_dim: }")) {
      Path file = file("model:\n  " + yaml + "\n");
      assertThatThrownBy(() -> ConfigFile.read(file))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("run.yaml:2: hidden_dim: has no value");
    }
    assertThat(typed(ConfigFile.read(file("model: {hidden_dim: null}\n"))))
        .isEqualTo(typed(ConfigFile.read(file("model:\n  # hidden_dim: 64\n"))));
  }

  @Test
  void whatIsWrittenReadsBackAsTheSameConfiguration() throws IOException {
    RunConfig config = typed(ConfigFile.read(file("data: {dataset_name: plan-letters}\n")));
    List<String> notes = new ArrayList<>();
    Path written = file(ConfigFile.write(config.toMap()));
    assertThat(RunConfig.read(ConfigFile.read(written), notes::add)).isEqualTo(config);
    assertThat(notes).isEmpty();
  }

  @Test
  void refusesNestingThatWouldOverflowTheStack() {
    for (String level : List.of("[", "{a: ", "- ", "? ")) {
      assertThatThrownBy(() -> ConfigFile.parse("model: 1\n" + level.repeat(100_000), "deep.yaml"))
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith("deep.yaml:2: ");
    }
  }

  @Test
  void refusesBytesAndValuesThatAreNotWhatTheirTagSays() {
    for (String value : List.of("!!binary aGk=", "!!binary x", "!!int x")) {
      assertThatThrownBy(() -> ConfigFile.parse("a: 1\nb: " + value + "\n", "bytes.yaml"))
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith("bytes.yaml:2: holds a value tagged tag:yaml.org,2002:");
    }
  }
}

package org.freetransformer.study;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.demo.DemoConfigs;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CollapseStudyTest {
  private static final List<String> TINY =
      List.of(
          "training.max_steps=2",
          "training.batch_size=2",
          "model.hidden_dim=16",
          "model.latent_dim=3",
          "data.num_val_samples=4");
  private static final String LINE =
      """
      {"remedy":"PLAIN","kappa":0.5,"seed":1,"kl":0.1,"nll_bound":"NaN",\
      "plan_entropy_used":0.1,"mi_position":0.1,"mi_text":0.1,"set":%s}
      """
          .formatted(TINY.stream().collect(joining("\",\"", "[\"", "\"]")));

  @TempDir private Path folder;

  private static CollapseStudy study(List<String> changes, List<String> notes) {
    return new CollapseStudy(
        () -> Engine.on(Devices.cpu(1)),
        DemoConfigs.preset("collapse-study.yaml"),
        changes,
        notes::add);
  }

  private static CollapseStudy study(List<String> notes) {
    return study(TINY, notes);
  }

  @Test
  void goesOnWhereItWasStopped() throws IOException {
    Path file = folder.resolve("runs.jsonl");
    List<String> notes = new ArrayList<>();
    List<StudyRun> some = study(notes).run(file, 1, () -> notes.size() >= 3);
    assertThat(some).hasSize(3);
    assertThat(Files.readAllLines(file)).hasSize(3);
    List<StudyRun> all = study(notes).run(file, 1, () -> false);
    int trials = Remedy.values().length * CollapseStudy.KAPPAS.size();
    assertThat(all).hasSize(trials).startsWith(some.toArray(StudyRun[]::new));
    assertThat(notes).hasSize(trials);
    assertThat(Files.readAllLines(file)).hasSize(trials);
  }

  private void refuses(String content, String... parts) throws IOException {
    Path file = Files.writeString(folder.resolve("file"), content);
    assertThatThrownBy(() -> study(new ArrayList<>()).run(file, 1, () -> true))
        .isInstanceOf(ConfigException.class)
        .hasMessageContainingAll(parts);
    assertThat(file).hasContent(content);
  }

  @Test
  void leavesAFileOfAnotherKindAsItIs() throws IOException {
    refuses("model:\n  kind: free\n", "file:1: is not a run of this study; name another --out");
    refuses("my thesis", "file:1: is not a run");
    refuses("{\"step\":1,\"loss\":2}\n", "file:1: is not a run", "KL_WARM_UP");
    refuses(LINE + LINE.replace("PLAIN", "PLAN"), "file:2: is not a run", "PLAIN");
    refuses(LINE + LINE.replace("seed", "sead"), "file:2: seed: is missing");
    refuses(LINE + "damaged\n" + LINE, "file:2: is not a run");
    refuses(LINE.replace("max_steps=2", "max_steps=3"), "file:1: is a run with --set [", "=3");
  }

  @Test
  void dropsNothingButALineThatWasCutOff() throws IOException {
    for (String cut : List.of("", "{\"rem", LINE.substring(0, 50))) {
      Path file = Files.writeString(folder.resolve("file"), LINE + cut);
      assertThat(study(new ArrayList<>()).run(file, 1, () -> true)).hasSize(1);
      assertThat(file).hasContent(LINE);
    }
    Path file = Files.writeString(folder.resolve("file"), LINE.stripTrailing());
    assertThat(study(new ArrayList<>()).run(file, 1, () -> true).getFirst().bound()).isNaN();
    assertThat(file).hasContent(LINE);
    Files.writeString(file, LINE.replace("\"NaN\"", "null"));
    assertThat(study(new ArrayList<>()).run(file, 1, () -> true).getFirst().bound()).isNaN();
  }

  @Test
  void countsWhatTheRunsShow() {
    double kappa = CollapseStudy.KAPPAS.getFirst();
    List<StudyRun> runs =
        List.of(
            new StudyRun(Remedy.PLAIN, kappa, 1, 0.08, 0.4, 0.01, 0.001, 0.06),
            new StudyRun(Remedy.PLAIN, kappa, 2, 0.0, 0.3, 0.0, 0.001, 0.0),
            new StudyRun(Remedy.TARGET_KL, kappa, 1, 0.08, 0.35, 0.01, 0.001, 0.06),
            new StudyRun(Remedy.TARGET_KL, kappa, 2, 0.08, 0.35, 0.01, 0.001, 0.06));
    List<String> words = List.of("collapse", "--seeds", "2", "--set", "model.latent_dim=3");
    Map<String, Object> environment =
        Map.of(
            "cpu", "C", "processors", 2, "java", "25", "device", "D, 1 thread", "command", words);
    assertThat(CollapseReport.of(runs, environment))
        .contains("\n    ./ft collapse --seeds 2 --set model.latent_dim=3\n")
        .contains("On C, 2 processors, Java 25; device D, 1 thread.")
        .contains("| plain | 2 | 1 | 0.0400 | 0.3500 | 0.3000 to 0.4000 | 0.50 % | 0.0300 |")
        .contains("| target KL | 2 | 0 |")
        .contains("| 1 of 2 |");
  }
}

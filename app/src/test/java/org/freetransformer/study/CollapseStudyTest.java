package org.freetransformer.study;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.demo.DemoConfigs;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CollapseStudyTest {
  @TempDir private Path folder;

  private static CollapseStudy study(List<String> notes) {
    ConfigNode tiny =
        ConfigFile.set(
            DemoConfigs.preset("collapse-study.yaml"),
            List.of(
                "training.max_steps=2",
                "training.batch_size=2",
                "model.hidden_dim=16",
                "model.latent_dim=3",
                "data.num_val_samples=4"));
    return new CollapseStudy(() -> Engine.on(Devices.cpu(1)), tiny, notes::add);
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

  @Test
  void countsWhatTheRunsShow() {
    double kappa = CollapseStudy.KAPPAS.getFirst();
    List<StudyRun> runs =
        List.of(
            new StudyRun(Remedy.PLAIN, kappa, 1, 0.08, 0.4, 0.01, 0.001, 0.06),
            new StudyRun(Remedy.PLAIN, kappa, 2, 0.0, 0.3, 0.0, 0.001, 0.0),
            new StudyRun(Remedy.TARGET_KL, kappa, 1, 0.08, 0.35, 0.01, 0.001, 0.06),
            new StudyRun(Remedy.TARGET_KL, kappa, 2, 0.08, 0.35, 0.01, 0.001, 0.06));
    assertThat(CollapseReport.of(runs, Map.of("cpu", "C", "processors", 2, "java", "25")))
        .contains("On C, 2 threads, Java 25.")
        .contains("| plain | 2 | 1 | 0.0400 | 0.3500 | 0.3000 to 0.4000 | 0.50 % | 0.0300 |")
        .contains("| target KL | 2 | 0 |")
        .contains("| 1 of 2 |");
  }
}

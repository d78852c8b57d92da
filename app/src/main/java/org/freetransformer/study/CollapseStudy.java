package org.freetransformer.study;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.data.Dataset;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.run.MetricsFile;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.Trainer;

/**
 * Trains a small model with each remedy against collapse over several seeds. Each run's line is
 * written when it is done, and what has a line is not done again.
 */
public final class CollapseStudy {
  private static final double HALF_BIT = 0.5 * Math.log(2);
  private static final double EIGHTH_OF_A_BIT = 0.125 * Math.log(2);

  /** Free bits that are studied, in nats: 0.125 and 0.5 bit. */
  public static final List<Double> KAPPAS = List.of(EIGHTH_OF_A_BIT, HALF_BIT);

  private static final int EVALUATION_BATCHES = 40;

  private final Supplier<Engine> device;
  private final ConfigNode preset;
  private final List<String> changes;
  private final Consumer<String> notes;

  /**
   * A study that has not begun.
   *
   * @param device opens what computes; opened anew for every run
   * @param preset configuration of the plain recipe
   * @param changes of the preset, as {@code --set} takes them
   * @param notes told of each run in one line
   */
  public CollapseStudy(
      Supplier<Engine> device, ConfigNode preset, List<String> changes, Consumer<String> notes) {
    this.device = device;
    this.preset = ConfigFile.set(preset, changes);
    this.changes = List.copyOf(changes);
    this.notes = notes;
  }

  /**
   * Does the runs that are missing in a file, seed by seed.
   *
   * @param stop asked before every run
   * @return all runs in the file
   * @throws ConfigException if the file holds anything else, or runs with other changes
   * @throws IOException if it cannot be read or written
   */
  public List<StudyRun> run(Path file, int seeds, BooleanSupplier stop) throws IOException {
    StudyFile done = new StudyFile(file, changes);
    List<StudyRun> runs = new ArrayList<>(done.read());
    try (MetricsFile lines = MetricsFile.from(file, Long.MAX_VALUE)) {
      for (Trial trial : trials(seeds)) {
        boolean known = runs.stream().map(Trial::of).anyMatch(trial::equals);
        if (!known && stop.getAsBoolean()) {
          return runs;
        }
        if (!known) {
          StudyRun run = train(trial);
          lines.add(done.line(run));
          runs.add(run);
        }
      }
    }
    return runs;
  }

  private record Trial(Remedy remedy, double kappa, long seed) {
    static Trial of(StudyRun run) {
      return new Trial(run.remedy(), run.kappa(), run.seed());
    }
  }

  private static List<Trial> trials(int seeds) {
    List<Trial> trials = new ArrayList<>();
    for (long seed = 1; seed <= seeds; seed++) {
      for (double kappa : KAPPAS) {
        for (Remedy remedy : Remedy.values()) {
          trials.add(new Trial(remedy, kappa, seed));
        }
      }
    }
    return trials;
  }

  private RunConfig config(Trial trial) {
    List<String> own = new ArrayList<>(trial.remedy().changes(trial.kappa()));
    own.add("training.kappa_free_bits=" + trial.kappa());
    own.add("training.seed=" + trial.seed());
    return RunConfig.read(ConfigFile.set(preset, own), notes);
  }

  private StudyRun train(Trial trial) {
    long began = System.nanoTime();
    RunConfig config = config(trial);
    try (Engine engine = device.get();
        Dataset data = Dataset.open(config.data(), notes);
        Trainer trainer = new Trainer(engine, config, data)) {
      while (!trainer.isDone()) {
        trainer.next();
      }
      StudyRun run =
          StudyRun.of(
              trial.remedy(), trial.kappa(), trial.seed(), trainer.evaluate(EVALUATION_BATCHES));
      notes.accept(
          "%s, κ %.4f, seed %d: KL %.4f, bound %.4f, of the text %.4f (%.1f s)"
              .formatted(
                  run.remedy().label(),
                  run.kappa(),
                  run.seed(),
                  run.kl(),
                  run.bound(),
                  run.text(),
                  (System.nanoTime() - began) * 1e-9));
      return run;
    }
  }
}

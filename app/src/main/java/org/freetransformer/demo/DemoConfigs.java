package org.freetransformer.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.train.RunConfig;

/**
 * The configurations of the demonstration: the presets in {@code configs}, of which this program
 * carries a copy, with each model's free bits.
 *
 * @param changes made to every one, as {@code --set} takes them
 * @param notes told, in one line each, of keys that have no effect
 */
public record DemoConfigs(List<String> changes, Consumer<String> notes) {
  /** Copies the list. */
  public DemoConfigs {
    changes = List.copyOf(changes);
  }

  /**
   * The configuration of a model.
   *
   * @throws org.freetransformer.config.ConfigException if a change does not fit
   */
  public RunConfig of(Regime regime) {
    ConfigNode document = preset(regime.preset());
    if (regime.hasPlan()) {
      document = ConfigFile.set(document, "training.kappa_free_bits=" + regime.kappa());
    }
    if (regime == Regime.LARGE) {
      document = ConfigFile.set(document, fromHuge(document));
    }
    return RunConfig.read(ConfigFile.set(document, changes), notes);
  }

  /**
   * Free bits that begin with {@link Regime#HUGE}'s: where it is free, the encoder learns to tell
   * every character, and keeps what fits as that gets dearer. With few from the start it only ever
   * tells the position.
   */
  private List<String> fromHuge(ConfigNode document) {
    ConfigNode whole = ConfigFile.set(document, changes);
    int steps = RunConfig.read(whole, _ -> {}).training().maxSteps();
    return List.of(
        "training.kappa_schedule=linear",
        "training.kappa_start=" + Regime.HUGE.kappa(),
        "training.kappa_schedule_steps=" + Math.max(1, 2 * steps / 3),
        "training.kl_warmup_steps=0");
  }

  /** The file of a name in {@code configs}. */
  public static ConfigNode preset(String name) {
    return ConfigFile.parse(text(name), "configs/" + name);
  }

  private static String text(String preset) {
    try (InputStream in = DemoConfigs.class.getResourceAsStream(preset)) {
      if (in == null) {
        throw new IllegalStateException("this build carries no preset " + preset);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}

package org.freetransformer.train;

import static org.freetransformer.config.Limits.between;

import java.util.Map;
import java.util.function.Supplier;
import org.freetransformer.config.ConfigSection;

/**
 * What a run has its model write while it learns: {@code samples} and {@code sample_prompt}. It may
 * differ each time a run goes on.
 *
 * @param count samples at each evaluation; 0 for none
 * @param prompt text that they go on from; empty for the beginning of the held-out data
 */
public record SampleConfig(int count, String prompt) {
  /** Four, which go on from the beginning of the held-out data. */
  public static final SampleConfig DEFAULT = new SampleConfig(4, "");

  /** No samples. */
  public static final SampleConfig NONE = new SampleConfig(0, "");

  private static final int MOST = 1000;

  /**
   * Checks the number.
   *
   * @throws org.freetransformer.config.ConfigException if it is out of range
   */
  public SampleConfig {
    between("samples", count, 0, MOST);
  }

  /** Takes both keys of the {@code training} section; what comes checks them. */
  static Supplier<SampleConfig> read(ConfigSection training) {
    int count = training.integer("samples", DEFAULT.count);
    String prompt = training.text("sample_prompt", DEFAULT.prompt);
    return () -> new SampleConfig(count, prompt);
  }

  /** Puts both keys into the map of the {@code training} section. */
  void putInto(Map<String, Object> training) {
    training.put("samples", count);
    training.put("sample_prompt", prompt);
  }
}

package org.freetransformer.model;

import static org.freetransformer.config.Limits.between;
import static org.freetransformer.config.Limits.positive;

import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.tensor.ops.RopeOp;

/**
 * How rotary positions are stretched to texts longer than the model was first trained on, as Llama
 * 3.1 does (Meta's llama-models repository, {@code apply_scaling}): slow frequencies are divided by
 * the factor, fast ones kept, and those between blended.
 *
 * @param factor by which the slow frequencies are divided; 1 changes nothing
 * @param lowFreqFactor frequencies that turn fewer times than this within the original length are
 *     divided
 * @param highFreqFactor those that turn more often than this are kept; above {@code lowFreqFactor}
 * @param originalMaxPositions length of the texts the model was first trained on, in tokens
 */
public record RopeScaling(
    double factor, double lowFreqFactor, double highFreqFactor, int originalMaxPositions) {

  /** No scaling; the other numbers are Llama 3.1's. */
  public static final RopeScaling NONE = new RopeScaling(1, 1, 4, 8192);

  /**
   * Checks the numbers.
   *
   * @throws ConfigException naming the first that is wrong, as a key of {@code rope_scaling}
   */
  public RopeScaling {
    between("factor", factor, 1, 1e6);
    positive("low_freq_factor", lowFreqFactor, 1e6);
    positive("high_freq_factor", highFreqFactor, 1e6);
    between("original_max_position_embeddings", originalMaxPositions, 1, 1 << 30);
    if (lowFreqFactor >= highFreqFactor) {
      throw new ConfigException(
          "high_freq_factor",
          "%s is not above low_freq_factor %s".formatted(highFreqFactor, lowFreqFactor));
    }
  }

  /** Reads the section {@code rope_scaling}; what it does not say is as in {@link #NONE}. */
  static RopeScaling read(ConfigSection section) {
    double factor = section.number("factor", NONE.factor);
    double low = section.number("low_freq_factor", NONE.lowFreqFactor);
    double high = section.number("high_freq_factor", NONE.highFreqFactor);
    int original = section.integer("original_max_position_embeddings", NONE.originalMaxPositions);
    return section.build(() -> new RopeScaling(factor, low, high, original));
  }

  /** All keys and values of the section. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("factor", factor);
    map.put("low_freq_factor", lowFreqFactor);
    map.put("high_freq_factor", highFreqFactor);
    map.put("original_max_position_embeddings", originalMaxPositions);
    return map;
  }

  /** Radians per position of each of the {@code headSize / 2} pairs. */
  double[] frequencies(int headSize, double theta) {
    double[] frequencies = RopeOp.frequencies(headSize, theta);
    for (int i = 0; i < frequencies.length && factor != 1; i++) {
      double turns = originalMaxPositions * frequencies[i] / (2 * Math.PI);
      double kept = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
      double share = Math.clamp(kept, 0.0, 1.0);
      frequencies[i] *= share + (1 - share) / factor;
    }
    return frequencies;
  }
}

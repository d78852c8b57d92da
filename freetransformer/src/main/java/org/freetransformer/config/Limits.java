package org.freetransformer.config;

/** The range checks of configuration records; each failure names the key, the range and its end. */
public final class Limits {

  private Limits() {}

  /** Checks {@code min <= value <= max}. */
  public static void between(String key, long value, long min, long max) {
    if (value < min || value > max) {
      throw new ConfigException(
          key,
          "%d is out of range; allowed are whole numbers from %d to %d; nearest is %d"
              .formatted(value, min, max, Math.clamp(value, min, max)));
    }
  }

  /** Checks {@code min <= value <= max}, which no NaN passes. */
  public static void between(String key, double value, double min, double max) {
    if (!(value >= min && value <= max)) {
      throw new ConfigException(
          key,
          "%s is out of range; allowed are numbers from %s to %s%s"
              .formatted(value, min, max, nearest(value, min, max)));
    }
  }

  /** Checks {@code min <= value < end}, which no NaN passes. */
  public static void below(String key, double value, double min, double end) {
    if (!(value >= min && value < end)) {
      throw new ConfigException(
          key,
          "%s is out of range; allowed are numbers from %s to less than %s%s"
              .formatted(value, min, end, value < min ? "; nearest is " + min : ""));
    }
  }

  /** Checks {@code 0 < value <= max}, which no NaN passes. */
  public static void positive(String key, double value, double max) {
    if (!(value > 0 && value <= max)) {
      throw new ConfigException(
          key,
          "%s is out of range; allowed are numbers above 0 up to %s%s"
              .formatted(value, max, value > max ? "; nearest is " + max : ""));
    }
  }

  private static String nearest(double value, double min, double max) {
    return Double.isNaN(value) ? "" : "; nearest is " + Math.clamp(value, min, max);
  }
}

package org.freetransformer.run;

import java.util.Locale;

/** Numbers for people. */
public final class Units {
  private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  private static final String[] DECIMAL = {"", "k", "M", "G", "T", "P"};

  private static final double MIB = 1024 * 1024;

  private Units() {}

  /** A size in memory as a number of MiB, for columns and axes that name the unit. */
  public static double mebibytes(long bytes) {
    return bytes / MIB;
  }

  /** A size in memory, such as {@code 1.5 MiB}. */
  public static String bytes(long bytes) {
    return scaled((double) bytes, 1024, BINARY);
  }

  /** A count, such as {@code 4.2 M}. */
  public static String count(double count) {
    return scaled(count, 1000, DECIMAL).strip();
  }

  private static String scaled(double value, double step, String[] units) {
    double rest = value;
    int unit = 0;
    while (rest >= step && unit < units.length - 1) {
      rest /= step;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", rest, units[unit]);
  }
}

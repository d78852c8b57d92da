package org.freetransformer.gpu;

import java.util.Locale;

/** How large a heap may be, and how people write it. */
final class HeapSize {
  private static final long MIB = 1L << 20;
  private static final long LEAST = MIB;

  /** Kernels, and TornadoVM's arrays, count a heap's numbers of 4 bytes in an int. */
  private static final long MOST = 8191 * MIB;

  private HeapSize() {}

  /**
   * Bytes, from a whole number of them, or of KiB, MiB or GiB with k, m or g behind it, as for the
   * JVM's -Xmx.
   *
   * @param option for the message
   * @throws IllegalArgumentException if it is none, or too small or too large
   */
  static long parse(String option, String given) {
    String text = given.strip().toLowerCase(Locale.ROOT);
    int shift = text.isEmpty() ? 0 : 10 * (1 + "kmg".indexOf(text.charAt(text.length() - 1)));
    String digits = shift == 0 ? text : text.substring(0, text.length() - 1);
    if (!digits.matches("\\d{1,18}")) {
      throw new IllegalArgumentException(
          "%s=%s: must be bytes, such as 1073741824, or a number with k, m or g behind it, such as 1g"
              .formatted(option, given));
    }
    long count = Long.parseLong(digits);
    long bytes = count > Long.MAX_VALUE >> shift ? Long.MAX_VALUE : count << shift;
    if (bytes < LEAST || bytes > MOST) {
      throw new IllegalArgumentException(
          "%s=%s: must be from %dm to %dm; the nearest is %dm"
              .formatted(
                  option, given, LEAST / MIB, MOST / MIB, Math.clamp(bytes, LEAST, MOST) / MIB));
    }
    return bytes;
  }
}

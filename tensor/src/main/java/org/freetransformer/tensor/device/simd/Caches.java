package org.freetransformer.tensor.device.simd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes of the processor's caches, as Linux tells them. */
final class Caches {
  private static final Path SECOND_LEVEL =
      Path.of("/sys/devices/system/cpu/cpu0/cache/index2/size");
  private static final long USUAL_SECOND_LEVEL = 1 << 20;
  private static final Pattern SIZE = Pattern.compile("(\\d{1,6})([KM])");

  private Caches() {}

  /** Bytes of a core's second-level cache; a usual size where the system does not say. */
  static long secondLevel() {
    try {
      return parse(Files.readString(SECOND_LEVEL).strip());
    } catch (IOException | SecurityException e) {
      return USUAL_SECOND_LEVEL;
    }
  }

  /** Reads {@code 2048K}; anything strange, or out of the range of real caches, counts as usual. */
  static long parse(String size) {
    Matcher match = SIZE.matcher(size);
    if (!match.matches()) {
      return USUAL_SECOND_LEVEL;
    }
    long bytes = Long.parseLong(match.group(1)) << (match.group(2).equals("K") ? 10 : 20);
    return bytes < 1 << 17 || bytes > 1 << 26 ? USUAL_SECOND_LEVEL : bytes;
  }
}

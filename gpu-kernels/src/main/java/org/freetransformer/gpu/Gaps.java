package org.freetransformer.gpu;

import java.util.Map;
import java.util.TreeMap;

/**
 * Takes the bytes that one type of a memory plan does not use out of its offsets. Two places that
 * overlap still do, and two that do not still do not.
 */
final class Gaps {
  /** Used ranges, from first to last byte, without overlaps. */
  private final TreeMap<Long, Long> ranges = new TreeMap<>();

  /** Notes that bytes are used. */
  void use(long offset, long bytes) {
    long start = offset;
    long end = offset + bytes;
    Map.Entry<Long, Long> before = ranges.floorEntry(end);
    while (before != null && before.getValue() >= start) {
      start = Math.min(start, before.getKey());
      end = Math.max(end, before.getValue());
      ranges.remove(before.getKey());
      before = ranges.floorEntry(end);
    }
    ranges.put(start, end);
  }

  /** Bytes in use. */
  long usedBytes() {
    return ranges.entrySet().stream().mapToLong(range -> range.getValue() - range.getKey()).sum();
  }

  /** Where the byte at a used offset is, the unused ones before it taken out. */
  long without(long offset) {
    return ranges.headMap(offset, false).entrySet().stream()
        .mapToLong(range -> Math.min(range.getValue(), offset) - range.getKey())
        .sum();
  }
}

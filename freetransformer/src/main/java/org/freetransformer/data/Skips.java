package org.freetransformer.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigSection;

/** What was skipped: how much for each reason, and the first places, in order. */
public final class Skips {

  /** Places that are kept by name. */
  public static final int KEPT = 100;

  private static final String COUNTS = "skipped";
  private static final String FIRST = "skipped_first";

  private final Map<SkipReason, Long> counts = new EnumMap<>(SkipReason.class);
  private final List<Skip> first = new ArrayList<>();

  /**
   * One thing that was skipped.
   *
   * @param reason the kind of reason
   * @param place where it is
   * @param detail more about it, or empty
   */
  public record Skip(SkipReason reason, String place, String detail) {
    private Map<String, Object> toMap() {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("reason", ConfigSection.nameOf(reason));
      map.put("place", place);
      map.put("detail", detail);
      return map;
    }

    @Override
    public String toString() {
      return place + ": " + reason.words() + (detail.isEmpty() ? "" : " (" + detail + ")");
    }
  }

  /** Nothing was skipped yet. */
  public Skips() {}

  /** Adds one. */
  public void add(Skip skip) {
    counts.merge(skip.reason(), 1L, Long::sum);
    if (first.size() < KEPT) {
      first.add(skip);
    }
  }

  /** Adds all that another tally holds, after what this one holds. */
  public void addAll(Skips other) {
    other.counts.forEach((reason, count) -> counts.merge(reason, count, Long::sum));
    other.first.stream().limit(KEPT - (long) first.size()).forEach(first::add);
  }

  /** Reads what {@link #toMap} gives. */
  static Skips read(ConfigSection section) {
    Skips skips = new Skips();
    ConfigSection counts = section.section(COUNTS);
    for (SkipReason reason : SkipReason.values()) {
      String key = ConfigSection.nameOf(reason);
      if (counts.has(key)) {
        skips.counts.put(reason, counts.longInteger(key, 0));
      }
    }
    for (ConfigSection place : section.sections(FIRST)) {
      skips.first.add(
          new Skip(
              place.choice("reason", SkipReason.class, SkipReason.UNREADABLE),
              place.text("place", ""),
              place.text("detail", "")));
    }
    return skips;
  }

  /** Counts by reason and the first places, as manifests and reports give them. */
  public Map<String, Object> toMap() {
    Map<String, Object> byReason = new LinkedHashMap<>();
    counts.forEach((reason, count) -> byReason.put(ConfigSection.nameOf(reason), count));
    Map<String, Object> map = new LinkedHashMap<>();
    map.put(COUNTS, byReason);
    map.put(FIRST, first.stream().map(Skip::toMap).toList());
    return map;
  }

  /** How many there are in all. */
  public long total() {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  /** How many for each reason. */
  public Map<SkipReason, Long> counts() {
    return Collections.unmodifiableMap(counts);
  }

  /** The first {@link #KEPT}, in order. */
  public List<Skip> first() {
    return Collections.unmodifiableList(first);
  }
}

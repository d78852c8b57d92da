package org.freetransformer.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** What was skipped: how much for each reason, and the first places, in order. */
public final class Skips {

  /** Places that are kept by name. */
  public static final int KEPT = 100;

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

  /** Adds to the count of a reason without a place, as a record that was read back does. */
  void addCount(SkipReason reason, long count) {
    counts.merge(reason, count, Long::sum);
  }

  /** Adds to the places without counting, as a record that was read back does. */
  void addPlace(Skip skip) {
    first.add(skip);
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

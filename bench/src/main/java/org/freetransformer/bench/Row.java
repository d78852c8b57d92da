package org.freetransformer.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.freetransformer.bench.suite.Suites;
import org.freetransformer.bench.suite.Unit;
import org.jspecify.annotations.Nullable;

/**
 * What a case came to. Rates are medians over all rounds, ratios medians of each round's own ratio,
 * so that a machine that slows down for a while does not count for or against one side.
 *
 * @param amount work of one call
 * @param ours this project's rate
 * @param peer that of the first of the suite's {@link org.freetransformer.bench.suite.Peers}, or
 *     null where it is missing
 * @param other that of the second, or null where it is missing
 * @param limit the machine's
 * @param ratioPeer ours as a multiple of the peer's, or null
 * @param ratioOther ours as a multiple of the second peer's, or null
 * @param ratioLimit ours as a share of the limit
 * @param spread of our time: interquartile range as a share of the median
 * @param garbage bytes that one call of ours leaves on the heap
 * @param intensity floating-point operations per byte of operands, or 0 where that is not known
 */
record Row(
    String suite,
    String name,
    int threads,
    Unit unit,
    double amount,
    double ours,
    @Nullable Double peer,
    @Nullable Double other,
    double limit,
    @Nullable Double ratioPeer,
    @Nullable Double ratioOther,
    double ratioLimit,
    double spread,
    double garbage,
    double intensity) {

  /**
   * Seconds of one call of each side in one round, and bytes of garbage; a peer's is 0 where there
   * is none.
   */
  record Round(double ours, double peer, double other, double limit, double garbage) {}

  /** Sums up the rounds of a case, of which each call did {@code amount} of work. */
  static Row of(
      String suite,
      String name,
      int threads,
      Unit unit,
      double amount,
      double intensity,
      List<Round> rounds) {
    boolean hasPeer = rounds.stream().allMatch(round -> round.peer() > 0);
    boolean hasOther = rounds.stream().allMatch(round -> round.other() > 0);
    double ours = quantile(rounds, Round::ours, 0.5);
    double spread = (quantile(rounds, Round::ours, 0.75) - quantile(rounds, Round::ours, 0.25));
    return new Row(
        suite,
        name,
        threads,
        unit,
        amount,
        unit.rate(amount, ours),
        hasPeer ? unit.rate(amount, quantile(rounds, Round::peer, 0.5)) : null,
        hasOther ? unit.rate(amount, quantile(rounds, Round::other, 0.5)) : null,
        unit.rate(amount, quantile(rounds, Round::limit, 0.5)),
        hasPeer ? quantile(rounds, round -> round.peer() / round.ours(), 0.5) : null,
        hasOther ? quantile(rounds, round -> round.other() / round.ours(), 0.5) : null,
        quantile(rounds, round -> round.limit() / round.ours(), 0.5),
        spread / ours,
        quantile(rounds, Round::garbage, 0.5),
        intensity);
  }

  /** Linear between the two values next to the quantile. */
  static double quantile(List<Round> rounds, ToDoubleFunction<Round> value, double share) {
    double[] sorted = rounds.stream().mapToDouble(value).sorted().toArray();
    double place = share * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }

  /** The keys that others rely on. */
  Map<String, Object> toMap() {
    String second = Suites.named(suite).peers().secondKey();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("suite", suite);
    map.put("case", name);
    map.put("threads", threads);
    map.put("unit", unit.label());
    map.put("ours", ours);
    map.put("peer", peer);
    if (!second.isEmpty()) {
      map.put(second, other);
    }
    map.put("limit", limit);
    map.put("ratio_peer", ratioPeer);
    if (!second.isEmpty()) {
      map.put("ratio_" + second, ratioOther);
    }
    map.put("ratio_limit", ratioLimit);
    map.put("spread", spread);
    map.put("garbage_bytes", garbage);
    map.put("flops_per_byte", intensity == 0 ? null : intensity);
    return map;
  }
}

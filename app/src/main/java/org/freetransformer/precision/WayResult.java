package org.freetransformer.precision;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.eval.Evaluation;
import org.freetransformer.nn.optim.LossScaler;
import org.jspecify.annotations.Nullable;

/**
 * What training one way gave.
 *
 * @param way how it was trained
 * @param losses of every step, what was minimised
 * @param plannedBytes memory of the run by kind, as planned before it
 * @param measuredBytes the most memory that the run had in use, before the first evaluation
 * @param tokensPerSecond counted targets, by the median step
 * @param scaling the loss scale at the end; null without one
 * @param evaluation on held-out data at the end, in f32; null if the run did not get there
 */
record WayResult(
    Way way,
    List<Double> losses,
    Map<String, Long> plannedBytes,
    long measuredBytes,
    double tokensPerSecond,
    LossScaler.@Nullable State scaling,
    @Nullable Evaluation evaluation) {
  /** Copies the collections. */
  WayResult {
    losses = List.copyOf(losses);
    plannedBytes = Collections.unmodifiableMap(new LinkedHashMap<>(plannedBytes));
  }

  long plannedTotal() {
    return plannedBytes.values().stream().mapToLong(Long::longValue).sum();
  }

  long planned(String kind) {
    return plannedBytes.getOrDefault(kind, 0L);
  }

  /** Nats per held-out token; NaN if the run was not evaluated. */
  double heldOutBound() {
    return evaluation == null ? Double.NaN : evaluation.nllBound();
  }

  Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("way", way.label());
    map.put("steps", losses.size());
    map.put("loss", losses.getLast());
    map.put("held_out_bound", evaluation == null ? null : evaluation.nllBound());
    map.put("planned_bytes", plannedBytes);
    map.put("planned_total", plannedTotal());
    map.put("measured_bytes", measuredBytes);
    map.put("tokens_per_second", tokensPerSecond);
    if (scaling != null) {
      map.put("loss_scale", scaling.scale());
      map.put("skipped_steps", scaling.skippedSteps());
    }
    map.put("losses", losses);
    return map;
  }
}

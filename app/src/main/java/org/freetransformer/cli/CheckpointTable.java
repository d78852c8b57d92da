package org.freetransformer.cli;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointFolder.Examined;
import org.jspecify.annotations.Nullable;

/** A run's checkpoints as {@code ft inspect} lists them. */
final class CheckpointTable {
  private CheckpointTable() {}

  static List<Map<String, @Nullable Object>> json(List<Examined> checkpoints) {
    Examined best = best(checkpoints);
    return checkpoints.stream().map(one -> json(one, one.equals(best))).toList();
  }

  private static Map<String, @Nullable Object> json(Examined examined, boolean best) {
    Checkpoint whole = examined.whole();
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("path", examined.folder().toString());
    map.put("step", whole == null ? null : whole.state().step());
    map.put("format_version", whole == null ? null : whole.state().formatVersion());
    map.put("nll_bound", bound(examined).isPresent() ? bound(examined).getAsDouble() : null);
    map.put("best", best);
    map.put("problem", examined.problem());
    return map;
  }

  static String text(List<Examined> checkpoints) {
    Examined best = best(checkpoints);
    StringBuilder text = new StringBuilder();
    for (Examined examined : checkpoints) {
      text.append("\n%-14s %s".formatted(examined.folder().getFileName(), condition(examined)));
      bound(examined).ifPresent(bound -> text.append(", held-out bound %.4f".formatted(bound)));
      text.append(examined.equals(best) ? ", the best" : "");
    }
    return text.isEmpty() ? "" : text.append('\n').toString();
  }

  private static String condition(Examined examined) {
    if (examined.whole() == null) {
      return "DAMAGED: " + examined.problem();
    }
    return examined.whole().hasChecksums()
        ? "as saved, by its checksums"
        : "whole; has no checksums";
  }

  private static OptionalDouble bound(Examined examined) {
    return examined.whole() == null
        ? OptionalDouble.empty()
        : examined.whole().state().heldOutBound();
  }

  /** The one that {@code --best} takes: the lowest bound, of equal ones the newest. */
  private static @Nullable Examined best(List<Examined> byStep) {
    return byStep.reversed().stream()
        .filter(examined -> bound(examined).isPresent())
        .min(Comparator.comparingDouble(examined -> bound(examined).getAsDouble()))
        .orElse(null);
  }
}

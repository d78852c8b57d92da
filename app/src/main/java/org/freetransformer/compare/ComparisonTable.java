package org.freetransformer.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.freetransformer.run.Units;

/** A comparison as a table, for a terminal or a document. */
final class ComparisonTable {
  private static final List<String> HEAD =
      List.of(
          "model",
          "parameters",
          "bound or NLL: mean (min to max)",
          "by K plans",
          "prior plan",
          "reconstruction*",
          "KL",
          "tokens/s",
          "peak memory");

  private static final String NOTE =
      "Nats per token on held-out text. * Has seen the text through the plan: compare the bounds,"
          + " not this.";

  private ComparisonTable() {}

  private static List<String> row(ModelResult model) {
    boolean planned = model.hasPlan();
    return List.of(
        model.contender().label(),
        "%,d".formatted(model.model().parameterCount()),
        model.bound().text(),
        planned ? "%.4f".formatted(model.range("nll_iw").mean()) : "–",
        planned ? "%.4f".formatted(model.range("prior_ce").mean()) : "–",
        planned ? "%.4f".formatted(model.range("reconstruction").mean()) : "–",
        planned ? "%.4f".formatted(model.range("kl").mean()) : "–",
        "%,.0f".formatted(model.tokensPerSecond()),
        "%.1f MiB".formatted(Units.mebibytes(model.peakBytes())));
  }

  static String markdown(List<ModelResult> models) {
    StringBuilder text = new StringBuilder();
    text.append("| ").append(String.join(" | ", HEAD)).append(" |\n|");
    text.append("---|".repeat(HEAD.size())).append('\n');
    models.forEach(
        model -> text.append("| ").append(String.join(" | ", row(model))).append(" |\n"));
    return text.append('\n').append(NOTE.replace("*", "\\*")).append('\n').toString();
  }

  static String text(List<ModelResult> models) {
    List<List<String>> rows = new ArrayList<>(List.of(HEAD));
    models.forEach(model -> rows.add(row(model)));
    List<Integer> widths = new ArrayList<>();
    for (int column = 0; column < HEAD.size(); column++) {
      int at = column;
      widths.add(rows.stream().mapToInt(row -> row.get(at).length()).max().orElseThrow());
    }
    return rows.stream().map(row -> line(row, widths)).collect(Collectors.joining()) + NOTE + "\n";
  }

  private static String line(List<String> row, List<Integer> widths) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < row.size(); column++) {
      String cell = row.get(column);
      String room = " ".repeat(widths.get(column) - cell.length());
      line.append(column == 0 ? cell + room : "  " + room + cell);
    }
    return line.toString().stripTrailing() + "\n";
  }
}

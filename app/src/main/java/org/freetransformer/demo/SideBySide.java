package org.freetransformer.demo;

import java.util.List;

/** Samples as text: on the left a plan each, on the right one shared plan. */
final class SideBySide {
  private static final int WIDTH = 64;
  private static final String GAP = "  |  ";

  private SideBySide() {}

  static String of(RegimeResult result) {
    List<String> left = result.study().fresh();
    List<String> right = result.study().shared();
    StringBuilder text = new StringBuilder();
    String heading = result.regime().label();
    if (right.isEmpty()) {
      text.append(heading).append('\n');
    } else {
      text.append(padded(heading + ", a plan each")).append(GAP).append("one shared plan\n");
    }
    for (int i = 0; i < Math.max(left.size(), right.size()); i++) {
      String line = i < left.size() ? left.get(i) : "";
      text.append(i < right.size() ? padded(line) + GAP + right.get(i) : line).append('\n');
    }
    return text.toString();
  }

  private static String padded(String text) {
    return text + " ".repeat(Math.max(0, WIDTH - text.length()));
  }
}

package org.freetransformer.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds the valid word that a misspelt one most likely meant. */
public final class Nearest {

  /** What is longer than any name is not compared to its end. */
  private static final int LONGEST = 100;

  private Nearest() {}

  /**
   * The valid word with the fewest edits from {@code word}, if it is near enough to be meant: at
   * most half of its letters differ. Upper and lower case, and {@code -} and {@code _}, count as
   * equal.
   */
  public static Optional<String> to(String word, Collection<String> valid) {
    String wanted = normal(word);
    return valid.stream()
        .min(
            Comparator.<String>comparingInt(candidate -> distance(wanted, normal(candidate)))
                .thenComparing(Comparator.naturalOrder()))
        .filter(
            best -> distance(wanted, normal(best)) <= Math.max(wanted.length(), best.length()) / 2);
  }

  private static String normal(String word) {
    return shortened(word).toLowerCase(Locale.ROOT).replace('-', '_');
  }

  private static String shortened(String word) {
    return word.substring(0, Math.min(LONGEST, word.length()));
  }

  /** A word as a message shows it: of a very long one the beginning. */
  static String shown(String word) {
    return word.length() <= LONGEST ? word : shortened(word) + "…";
  }

  /**
   * Insertions, deletions, replacements and swaps of neighbours that turn one word into another.
   */
  static int distance(String from, String to) {
    int[][] edits = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        edits[i][j] = i == 0 || j == 0 ? i + j : cheapest(edits, from, to, i, j);
      }
    }
    return edits[from.length()][to.length()];
  }

  private static int cheapest(int[][] edits, String from, String to, int i, int j) {
    boolean same = from.charAt(i - 1) == to.charAt(j - 1);
    int best = edits[i - 1][j - 1] + (same ? 0 : 1);
    best = Math.min(best, Math.min(edits[i - 1][j], edits[i][j - 1]) + 1);
    boolean swapped =
        i > 1
            && j > 1
            && from.charAt(i - 1) == to.charAt(j - 2)
            && from.charAt(i - 2) == to.charAt(j - 1);
    return swapped ? Math.min(best, edits[i - 2][j - 2] + 1) : best;
  }
}

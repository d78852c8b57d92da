package org.freetransformer.data;

/**
 * A text that stands for itself: a file, a line of JSONL, a row of a table; or a stretch of one
 * that is too long to be taken at once.
 *
 * @param place where it was found, as messages name it, such as {@code notes.jsonl:12}
 * @param text what it says
 * @param from share of the whole text that stands before it, 0 where it is the whole
 * @param to share of the whole text up to its end, 1 where it is the whole
 */
public record Document(String place, String text, double from, double to) {

  /** Longer texts, in bytes of UTF-8, are skipped: one of them would fill a thread's memory. */
  public static final int MAX_BYTES = 16 << 20;

  /** A whole text. */
  public Document(String place, String text) {
    this(place, text, 0, 1);
  }
}

package org.freetransformer.data;

/**
 * A text that stands for itself: a file, a line of JSONL, a row of a table.
 *
 * @param place where it was found, as messages name it, such as {@code notes.jsonl:12}
 * @param text what it says
 */
public record Document(String place, String text) {

  /** Longer texts, in bytes of UTF-8, are skipped: one of them would fill a thread's memory. */
  public static final int MAX_BYTES = 16 << 20;
}

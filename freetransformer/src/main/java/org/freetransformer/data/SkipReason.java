package org.freetransformer.data;

/** Why something in a source did not become a document. */
public enum SkipReason {
  /** A file with zero bytes in it, which no text has. */
  BINARY("binary file"),
  /** Bytes that are not UTF-8. */
  INVALID_UTF8("invalid UTF-8"),
  /** Nothing, or nothing but white space. */
  EMPTY("empty"),
  /** More than {@link Document#MAX_BYTES} bytes. */
  TOO_LARGE("too large"),
  /** A line of JSONL that is not one JSON object. */
  DAMAGED_LINE("damaged JSON line"),
  /** An object or a row without text in the chosen field. */
  NO_TEXT("no text in the field"),
  /** A file that breaks off, or is not what its name says. */
  DAMAGED_FILE("damaged file"),
  /** A file or folder that may not be read or is gone, or a link that leads to none. */
  UNREADABLE("cannot be read"),
  /** A split that is neither to train on nor to measure on, or a file that is no table. */
  NOT_USED("not used");

  private final String words;

  SkipReason(String words) {
    this.words = words;
  }

  /** The reason in words, as reports print it. */
  public String words() {
    return words;
  }
}

package uk.ac.manchester.tornado.api.common;

/** What a task does with an argument. */
public enum Access {
  /** Undefined. */
  NONE,
  /** Reads it. */
  READ_ONLY,
  /** Writes it. */
  WRITE_ONLY,
  /** Both. */
  READ_WRITE
}

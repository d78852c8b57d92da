package org.freetransformer.checkpoint;

/**
 * A checkpoint that cannot be read. The message is one line: the file, what is wrong with it and
 * what is allowed.
 */
public final class CheckpointException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  /** A problem with {@code source}, a file or folder. */
  public CheckpointException(String source, String problem) {
    super(source + ": " + problem);
  }

  /** A problem with {@code source} that something else found. */
  public CheckpointException(String source, String problem, Throwable cause) {
    super(source + ": " + problem, cause);
  }
}

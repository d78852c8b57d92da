package org.freetransformer.checkpoint;

import java.util.Collection;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Nearest;

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

  private CheckpointException(String source, Throwable cause, String rest) {
    super(source + rest, cause);
  }

  /** What {@code source} says is wrong; a message that names it already needs no second time. */
  static CheckpointException of(String source, ConfigException wrong) {
    String message = String.valueOf(wrong.getMessage());
    String rest = message.startsWith(source) ? message.substring(source.length()) : ": " + message;
    return new CheckpointException(source, wrong, rest);
  }

  /** A tensor that a file does not have, with the nearest that it has. */
  static CheckpointException noTensor(String source, String name, Collection<String> names) {
    String near = Nearest.to(name, names).map(n -> "; nearest is '" + n + "'").orElse("");
    return new CheckpointException(source, "has no tensor '%s'%s".formatted(name, near));
  }
}

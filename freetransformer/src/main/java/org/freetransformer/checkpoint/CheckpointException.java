package org.freetransformer.checkpoint;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.util.Collection;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Nearest;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint that cannot be read. The message is one line: the file, what is wrong with it and
 * what is allowed.
 */
public final class CheckpointException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  /** Whether the files themselves are to blame. */
  private final boolean damage;

  /** A problem with {@code source}, a file or folder, that may be whole. */
  public CheckpointException(String source, String problem) {
    this(source, ": " + problem, null, false);
  }

  /** A problem with {@code source}, which may be whole, that something else found. */
  public CheckpointException(String source, String problem, Throwable cause) {
    this(source, ": " + problem, cause, false);
  }

  private CheckpointException(
      String source, String rest, @Nullable Throwable cause, boolean damage) {
    super(source + rest, cause);
    this.damage = damage;
  }

  /** A file that is missing or is not what was written. */
  static CheckpointException damaged(String source, String problem) {
    return new CheckpointException(source, ": " + problem, null, true);
  }

  /** The same, as something else found. */
  static CheckpointException damaged(String source, String problem, Throwable cause) {
    return new CheckpointException(source, ": " + problem, cause, true);
  }

  /** The same with {@linkplain #of what it says}. */
  static CheckpointException damaged(String source, ConfigException wrong) {
    return new CheckpointException(source, rest(source, wrong), wrong, true);
  }

  /** A file that the system does not give now: no permission, say, or a server that is away. */
  static CheckpointException unreadable(String source, IOException cause) {
    String reason = cause instanceof AccessDeniedException ? "no permission" : cause.getMessage();
    return new CheckpointException(source, "cannot be read: " + reason, cause);
  }

  /**
   * Whether the files are missing or are not what was written. Else they may be whole: it is the
   * system that does not give them, a newer program that wrote them, or what they are to be used
   * for that does not fit.
   */
  public boolean isDamage() {
    return damage;
  }

  /** What {@code source} says is wrong; a message that names it already needs no second time. */
  static CheckpointException of(String source, ConfigException wrong) {
    return new CheckpointException(source, rest(source, wrong), wrong, false);
  }

  private static String rest(String source, ConfigException wrong) {
    String message = String.valueOf(wrong.getMessage());
    return message.startsWith(source) ? message.substring(source.length()) : ": " + message;
  }

  /** A tensor that a file does not have, with the nearest that it has. */
  static CheckpointException noTensor(String source, String name, Collection<String> names) {
    String near = Nearest.to(name, names).map(n -> "; nearest is '" + n + "'").orElse("");
    return new CheckpointException(source, "has no tensor '%s'%s".formatted(name, near));
  }
}

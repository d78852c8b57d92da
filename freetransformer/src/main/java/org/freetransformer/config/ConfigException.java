package org.freetransformer.config;

import org.jspecify.annotations.Nullable;

/**
 * A configuration that cannot be used. The message is one line: where it stands, which key, what is
 * wrong with it, what is allowed and the nearest valid choice.
 */
public final class ConfigException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  /** The key that is wrong. */
  private final String key;

  /** What is wrong with it, and what is allowed. */
  private final String problem;

  /**
   * A problem whose place in a file is not known here: the records' own checks throw it, and
   * whoever read the file adds the place with {@link #at}.
   *
   * @param key the key, with dots between nested keys; empty for the document as a whole
   * @param problem what is wrong, what is allowed, the nearest valid choice
   */
  public ConfigException(String key, String problem) {
    this(null, key, problem);
  }

  private ConfigException(@Nullable Origin origin, String key, String problem) {
    super((origin == null ? "" : origin + ": ") + (key.isEmpty() ? "" : key + ": ") + problem);
    this.key = key;
    this.problem = problem;
  }

  /** The same problem under the full {@code path} of its key, with its place in front. */
  public ConfigException at(Origin origin, String path) {
    ConfigException located = new ConfigException(origin, path, problem);
    located.initCause(this);
    return located;
  }

  /** The key that is wrong, with dots between nested keys; empty for the document as a whole. */
  public String key() {
    return key;
  }

  /**
   * What is wrong, what is allowed, the nearest valid choice: the message without place and key.
   */
  public String problem() {
    return problem;
  }
}

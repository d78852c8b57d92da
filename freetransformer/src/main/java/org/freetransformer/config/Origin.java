package org.freetransformer.config;

/**
 * Where a configuration value was written: a file, a command-line option, a checkpoint's header.
 *
 * @param source the name to print, say {@code run.yaml}
 * @param line the line, from 1, or 0 where lines mean nothing
 */
public record Origin(String source, int line) {

  /** A place without lines, say {@code --set model.num_layers=4}. */
  public static Origin of(String source) {
    return new Origin(source, 0);
  }

  /** As error messages print it: {@code run.yaml:12}, or the source alone. */
  @Override
  public String toString() {
    return line > 0 ? source + ":" + line : source;
  }
}

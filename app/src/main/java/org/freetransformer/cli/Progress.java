package org.freetransformer.cli;

/** How far a task has come, shown while it runs. */
interface Progress extends AutoCloseable {
  /**
   * Tells how far it has come.
   *
   * @param done steps done so far
   * @param message the latest figures, in a few words
   */
  void at(long done, String message);

  /** Ends the display. */
  @Override
  void close();

  /** Shows nothing. */
  static Progress silent() {
    return new Progress() {
      @Override
      public void at(long done, String message) {}

      @Override
      public void close() {}
    };
  }
}

package org.freetransformer.gpu;

/** What TornadoVM, or a driver below it, says of its failures. */
final class Failures {
  /** TornadoVM writes its messages for a terminal. */
  private static final String COLOURS = "\u001B\\[[0-9;]*m";

  private Failures() {}

  /** The message of a failure, without colours; its class if it says nothing. */
  static String message(Throwable failure) {
    String message = failure.getMessage();
    return message == null || message.isBlank()
        ? failure.getClass().getSimpleName()
        : message.replaceAll(COLOURS, "");
  }
}

package uk.ac.manchester.tornado.api.exceptions;

/** A plan that could not be closed. */
public class TornadoExecutionPlanException extends Exception {
  private static final long serialVersionUID = 1;

  /** With a message. */
  public TornadoExecutionPlanException(String message) {
    super(message);
  }
}

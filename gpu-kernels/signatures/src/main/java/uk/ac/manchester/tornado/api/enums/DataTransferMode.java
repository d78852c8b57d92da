package uk.ac.manchester.tornado.api.enums;

/** When an array is copied. */
public class DataTransferMode {
  /** Once in a plan. */
  public static final int FIRST_EXECUTION = 0;

  /** Each time that the graph runs. */
  public static final int EVERY_EXECUTION = 1;

  /** When the host asks. */
  public static final int UNDER_DEMAND = 2;

  private DataTransferMode() {}
}

package org.freetransformer.tensor.device;

/**
 * Indices that are read when a kernel runs, checked: what every device says of one that leads
 * nowhere.
 */
public final class Indices {
  private Indices() {}

  /**
   * The position of a token, of so many that the table of {@link Instruction.Rope} has.
   *
   * @throws IndexOutOfBoundsException if the table has no such position
   */
  public static int position(int position, int token, int known) {
    if (position < 0 || position >= known) {
      throw new IndexOutOfBoundsException(
          "rope: position %d of token %d: the table has positions 0 to %d"
              .formatted(position, token, known - 1));
    }
    return position;
  }

  /**
   * The target of a row of {@link Instruction.CrossEntropy}.
   *
   * @throws IndexOutOfBoundsException if there is no such class
   */
  public static int target(int target, int row, int classes) {
    if (target < 0 || target >= classes) {
      throw new IndexOutOfBoundsException(
          "crossEntropy: target %d of row %d: there are classes 0 to %d"
              .formatted(target, row, classes - 1));
    }
    return target;
  }

  /**
   * The plan of a row of {@link Instruction.BinaryMapperBackward}.
   *
   * @throws IndexOutOfBoundsException if there is no such plan
   */
  public static int plan(int plan, int row, int plans) {
    if (plan < 0 || plan >= plans) {
      throw new IndexOutOfBoundsException(
          "binary mapper: plan %d of row %d: the table has plans 0 to %d"
              .formatted(plan, row, plans - 1));
    }
    return plan;
  }
}

package org.freetransformer.eval;

/** Refuses figures of a model that computes nothing: they would pass for measurements. */
final class Finite {
  private Finite() {}

  /**
   * Checks one figure.
   *
   * @throws IllegalStateException naming it, if it is infinite or not a number
   */
  static void require(String name, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalStateException(
          "the %s is %s: the model's weights are damaged, or training diverged"
              .formatted(name, value));
    }
  }

  /** Checks figures of one kind. */
  static void require(String name, float[] values) {
    for (float value : values) {
      require(name, value);
    }
  }
}

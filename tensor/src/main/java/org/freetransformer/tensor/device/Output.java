package org.freetransformer.tensor.device;

/**
 * Where an instruction puts its result.
 *
 * @param buffer the memory
 * @param accumulate whether the result is added to what is there (a gradient that has several
 *     sources) or replaces it
 */
public record Output(Buffer buffer, boolean accumulate) {
  /** A result that replaces the buffer's content. */
  public static Output to(Buffer buffer) {
    return new Output(buffer, false);
  }

  /** A result that is added to the buffer's content. */
  public static Output addTo(Buffer buffer) {
    return new Output(buffer, true);
  }
}

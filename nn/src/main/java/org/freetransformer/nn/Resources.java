package org.freetransformer.nn;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What an object owns, to be closed in the reverse order. A constructor takes its parts one by one,
 * and any of them may fail for lack of memory; those before it are then closed:
 *
 * <pre>{@code
 * Evaluation(Engine engine) {
 *   try (Resources parts = new Resources()) {
 *     inputs = parts.add(new Inputs(engine));
 *     program = parts.add(Program.record(engine, this::body));
 *     resources = parts.keep();
 *   }
 * }
 *
 * public void close() {
 *   resources.close();
 * }
 * }</pre>
 */
public final class Resources implements AutoCloseable {
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();

  /** Nothing is owned yet. */
  public Resources() {}

  /** Takes a part, and gives it back to be used. */
  public <T extends AutoCloseable> T add(T part) {
    parts.push(part);
    return part;
  }

  /** All parts, which are no longer to be closed by this. */
  public Resources keep() {
    Resources kept = new Resources();
    kept.parts.addAll(parts);
    parts.clear();
    return kept;
  }

  /**
   * Closes every part, the last first; once. If some fail, the others are closed all the same.
   *
   * @throws IllegalStateException if a part fails with a checked exception
   */
  @Override
  public void close() {
    Throwable first = null;
    while (!parts.isEmpty()) {
      try {
        parts.pop().close();
      } catch (Throwable failure) {
        if (first == null) {
          first = failure;
        } else {
          first.addSuppressed(failure);
        }
      }
    }
    switch (first) {
      case null -> {}
      case RuntimeException failure -> throw failure;
      case Error failure -> throw failure;
      default -> throw new IllegalStateException(first);
    }
  }
}

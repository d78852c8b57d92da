package org.freetransformer.tensor;

import java.util.function.Supplier;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Instruction.Random.Distribution;

/**
 * Random numbers as a function of (seed, step, operation, element), so that they depend neither on
 * threads nor on what ran before. The seed and the step lie in memory, where recorded programs read
 * them; each operation takes a number, its salt, when it is emitted.
 */
public final class RandomStream implements AutoCloseable {
  private final Engine engine;
  private final Tensor state;
  private long seed;
  private long step;
  private int nextSalt;

  RandomStream(Engine engine) {
    this.engine = engine;
    this.state = engine.allocate("random state", DType.I32, Shape.of(4));
  }

  /**
   * Starts the stream of a seed, at step 0.
   *
   * @throws IllegalStateException while a program is recorded
   */
  public void seed(long newSeed) {
    seed = newSeed;
    step(0);
  }

  /**
   * Moves to a step: every operation, recorded or not, draws other numbers at every step. The
   * operations of a step are told apart by their order, from here or from the start of a recording:
   * run at once or recorded, a step draws the same numbers, and the same step again draws them
   * again.
   *
   * @throws IllegalStateException while a program is recorded
   */
  public void step(long newStep) {
    step = newStep;
    nextSalt = 0;
    state.set(new int[] {(int) seed, (int) (seed >>> 32), (int) step, (int) (step >>> 32)});
  }

  /** The current seed. */
  public long seed() {
    return seed;
  }

  /** The current step. */
  public long step() {
    return step;
  }

  /** The state that instructions read, i32 [4]. */
  public Buffer state() {
    return state.buffer();
  }

  /** The number that tells the next operation's draws apart. */
  public int nextSalt() {
    return nextSalt++;
  }

  /** The number that the next operation will take. */
  public int salt() {
    return nextSalt;
  }

  /** Lets {@code operations} draw what was drawn from {@code salt} on, and counts on as before. */
  public <T> T again(int salt, Supplier<T> operations) {
    int before = restartSalts(salt);
    try {
      return operations.get();
    } finally {
      restartSalts(before);
    }
  }

  /** Lets the operations count from {@code salt}; returns where they had come to. */
  int restartSalts(int salt) {
    int before = nextSalt;
    nextSalt = salt;
    return before;
  }

  /** Fills a tensor with draws: bounds, or mean and deviation, are {@code a} and {@code b}. */
  public void fill(Tensor tensor, Distribution distribution, double a, double b) {
    fill(tensor, distribution, a, b, nextSalt());
  }

  /** The same with the draws of an operation that took its salt before. */
  public void fill(Tensor tensor, Distribution distribution, double a, double b, int salt) {
    engine.emit(new Instruction.Random(distribution, a, b, state(), salt, tensor.buffer()));
  }

  @Override
  public void close() {
    state.close();
  }
}

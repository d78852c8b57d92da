package org.freetransformer.tensor;

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

  /** Starts the stream of a seed, at step 0. */
  public void seed(long newSeed) {
    seed = newSeed;
    nextSalt = 0;
    step(0);
  }

  /** Moves to a step: a recorded program draws other numbers at every step. */
  public void step(long newStep) {
    step = newStep;
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

  void restartSalts() {
    nextSalt = 0;
  }

  /** Fills a tensor with draws: bounds, or mean and deviation, are {@code a} and {@code b}. */
  public void fill(Tensor tensor, Distribution distribution, double a, double b) {
    engine.emit(new Instruction.Random(distribution, a, b, state(), nextSalt(), tensor.buffer()));
  }

  @Override
  public void close() {
    state.close();
  }
}

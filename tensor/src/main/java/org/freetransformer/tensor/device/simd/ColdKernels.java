package org.freetransformer.tensor.device.simd;

import java.util.function.Supplier;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * Kernels of few numbers that begin with plain loops and go over to vector loops as {@link
 * ColdStart} says: those that a short prompt and its first tokens pass through. Neither shows in
 * the bits.
 */
final class ColdKernels {
  /** With more numbers, vector loops are compiled soon enough. */
  private static final long MOST_NUMBERS = 1 << 15;

  private static final long MOST_PRODUCTS = 1 << 18;
  private static final int PLAIN_CALLS = 512;
  private static final int INTERVAL = 4;

  private final PlainScratch scratch = new PlainScratch();
  private final ColdStart sums;
  private final ColdStart norms;
  private final ColdStart turns;
  private final ColdStart gates;
  private final ColdStart attentions;

  private ColdKernels(int plainCalls, int interval) {
    sums = new ColdStart(plainCalls, interval);
    norms = new ColdStart(plainCalls, interval);
    turns = new ColdStart(plainCalls, interval);
    gates = new ColdStart(plainCalls, interval);
    attentions = new ColdStart(plainCalls, interval);
  }

  /** For a JVM in which vector loops are yet to be compiled. */
  static ColdKernels untilWarm() {
    return new ColdKernels(PLAIN_CALLS, INTERVAL);
  }

  /** Plain loops wherever there are any, for tests. */
  static ColdKernels forGood() {
    return new ColdKernels(Integer.MAX_VALUE, 1);
  }

  /** Vector loops from the first call on, for tests. */
  static ColdKernels none() {
    return new ColdKernels(0, 1);
  }

  /**
   * The kernel of an instruction on f32.
   *
   * @param vectors prepares the one with vector loops
   */
  Kernel of(Instruction instruction, Supplier<Kernel> vectors) {
    return switch (instruction) {
      case Instruction.Binary op when PlainLoops.suits(op) && isSmall(op.out().buffer()) ->
          new Cold(sums, op.out().buffer(), PlainLoops.sum(op, scratch), vectors);
      case Instruction.RmsNorm op when PlainLoops.suits(op) && isSmall(op.x()) ->
          new Cold(norms, op.x(), PlainLoops.rmsNorm(op, scratch), vectors);
      case Instruction.Rope op when PlainLoops.suits(op) && isSmall(op.x()) ->
          new Cold(turns, op.x(), PlainLoops.rope(op, scratch), vectors);
      case Instruction.SwiGlu op when PlainLoops.suits(op) && isSmall(op.gate()) ->
          new Cold(gates, op.gate(), PlainLoops.swiGlu(op, scratch), vectors);
      case Instruction.Attention op
          when PlainAttention.suits(op) && op.q().size() * op.k().dim(1) <= MOST_PRODUCTS ->
          new Cold(attentions, op.q(), new PlainAttention(op, scratch), vectors);
      default -> vectors.get();
    };
  }

  private static boolean isSmall(Buffer buffer) {
    return buffer.size() <= MOST_NUMBERS;
  }

  /** Plain as long as that is wanted. */
  private static final class Cold implements Kernel {
    private final ColdStart start;
    private final int rounds;
    private final Kernel plain;
    private final Supplier<Kernel> vectors;
    private @Nullable Kernel vectorized;

    Cold(ColdStart start, Buffer buffer, Kernel plain, Supplier<Kernel> vectors) {
      this.start = start;
      this.rounds = (int) buffer.size() / Lanes.COUNT;
      this.plain = plain;
      this.vectors = vectors;
    }

    @Override
    public void run() {
      if (start.wantsPlain(rounds)) {
        plain.run();
        return;
      }
      Kernel ready = vectorized;
      if (ready == null) {
        ready = vectors.get();
        vectorized = ready;
      }
      ready.run();
    }
  }
}

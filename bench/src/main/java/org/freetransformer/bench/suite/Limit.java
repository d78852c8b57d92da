package org.freetransformer.bench.suite;

import org.freetransformer.bench.limit.FmaLoop;
import org.freetransformer.bench.limit.MemoryLoop;
import org.freetransformer.bench.limit.Traffic;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Kernel;

/**
 * What no kernel of ours can beat where it computes.
 *
 * @param call does the work once
 * @param closing frees it; a device's own kernels are freed with the device
 */
record Limit(Runnable call, Runnable closing) {
  /** Enough for the JIT to be done with a loop, and the time that it needs where runs are short. */
  private static final int RUNS = 30;

  private static final long NANOS = 200_000_000;

  /** Multiply-adds on registers: of the engine's device, or a loop on the processor's threads. */
  static Limit arithmetic(double flops, Engine engine, Place place) {
    return engine
        .device()
        .ceiling()
        .map(ceiling -> of(ceiling.arithmetic(flops)))
        .orElseGet(() -> {
          FmaLoop loop = new FmaLoop(flops, place.threads());
          return new Limit(loop, loop::close);
        });
  }

  /** The same bytes: in a device's own memory a copy, on the processor in the same directions. */
  static Limit memory(Traffic traffic, Engine engine, Place place) {
    return engine
        .device()
        .ceiling()
        .map(ceiling -> of(ceiling.copy(traffic.total())))
        .orElseGet(() -> {
          MemoryLoop loop = new MemoryLoop(traffic, place.threads());
          return new Limit(loop, loop::close);
        });
  }

  /** Whichever takes longer, decided by a fifth of a second of each; the other is freed. */
  static Limit slower(Limit one, Limit other) {
    boolean first = one.bestOfSome() >= other.bestOfSome();
    (first ? other : one).closing().run();
    return first ? one : other;
  }

  private long bestOfSome() {
    FastestCall fastest = new FastestCall(call);
    long begin = System.nanoTime();
    for (int i = 0; i < RUNS || System.nanoTime() - begin < NANOS; i++) {
      fastest.run();
    }
    return fastest.nanos();
  }

  private static Limit of(Kernel kernel) {
    return new Limit(kernel::run, () -> {});
  }
}

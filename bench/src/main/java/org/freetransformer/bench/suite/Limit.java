package org.freetransformer.bench.suite;

import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.bench.limit.FmaLoop;
import org.freetransformer.bench.limit.MemoryLoop;
import org.freetransformer.bench.limit.Traffic;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Kernel;

/**
 * What no kernel of ours can beat where it computes.
 *
 * @param calls do the work once; the slowest counts
 * @param closing frees it; a device's own kernels are freed with the device
 */
record Limit(List<Runnable> calls, Runnable closing) {
  /** Multiply-adds on registers: of the engine's device, or a loop on the processor's threads. */
  static Limit arithmetic(double flops, Engine engine, Place place) {
    return engine
        .device()
        .ceiling()
        .map(ceiling -> of(ceiling.arithmetic(flops)))
        .orElseGet(() -> {
          FmaLoop loop = new FmaLoop(flops, place.threads());
          return new Limit(List.of(loop), loop::close);
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
          return new Limit(List.of(loop), loop::close);
        });
  }

  /** Whichever takes longer, round by round. */
  static Limit slowerOf(Limit one, Limit other) {
    return new Limit(
        Stream.concat(one.calls.stream(), other.calls.stream()).toList(),
        () -> {
          one.closing.run();
          other.closing.run();
        });
  }

  private static Limit of(Kernel kernel) {
    return new Limit(List.of(kernel::run), () -> {});
  }
}

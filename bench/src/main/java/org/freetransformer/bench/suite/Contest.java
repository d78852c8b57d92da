package org.freetransformer.bench.suite;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.bench.limit.FmaLoop;
import org.freetransformer.bench.limit.MemoryLoop;
import org.jspecify.annotations.Nullable;

/**
 * The same work done three ways. A call of each takes the work's amount once.
 *
 * @param amount work of one call
 * @param unit what the amount counts
 * @param ours this project's way
 * @param peer libtorch's way, or null where libtorch is missing
 * @param other a second peer's way, OpenBLAS's, or null where there is none
 * @param limit the loop that takes as long as the machine must
 * @param intensity floating-point operations per byte of operands, or 0 where that is not known
 * @param closing what frees the sides, in this order
 */
public record Contest(
    double amount,
    Unit unit,
    Runnable ours,
    @Nullable Runnable peer,
    @Nullable Runnable other,
    Runnable limit,
    double intensity,
    List<Runnable> closing)
    implements AutoCloseable {

  /** Work that arithmetic bounds: {@code flops} useful floating-point operations. */
  static Contest arithmetic(double flops, Ours ours, Peer peer, int threads) {
    FmaLoop limit = new FmaLoop(flops, threads);
    return new Contest(
        flops,
        Unit.GFLOPS,
        ours::run,
        peer.orNull(),
        null,
        limit,
        flops / ours.cost().bytes(),
        List.of(ours::close, peer::close, limit::close));
  }

  /** Work that memory bounds. */
  static Contest memory(Traffic traffic, Ours ours, Peer peer, int threads) {
    MemoryLoop limit =
        new MemoryLoop(traffic.read(), traffic.written(), traffic.updated(), threads);
    return new Contest(
        traffic.total(),
        Unit.GIGABYTES,
        ours::run,
        peer.orNull(),
        null,
        limit,
        (double) ours.cost().flops() / traffic.total(),
        List.of(ours::close, peer::close, limit::close));
  }

  /**
   * The same with a second peer.
   *
   * @param freed what frees it
   */
  Contest against(@Nullable Runnable second, Runnable freed) {
    List<Runnable> all = new ArrayList<>(closing);
    all.add(freed);
    return new Contest(amount, unit, ours, peer, second, limit, intensity, List.copyOf(all));
  }

  @Override
  public void close() {
    closing.forEach(Runnable::run);
  }
}

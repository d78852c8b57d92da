package org.freetransformer.bench.suite;

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
 * @param limit the loop that takes as long as the machine must
 * @param closing what frees the sides, in this order
 */
public record Contest(
    double amount,
    Unit unit,
    Runnable ours,
    @Nullable Runnable peer,
    Runnable limit,
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
        limit,
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
        limit,
        List.of(ours::close, peer::close, limit::close));
  }

  @Override
  public void close() {
    closing.forEach(Runnable::run);
  }
}

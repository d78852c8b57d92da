package org.freetransformer.bench.suite;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.bench.limit.Traffic;
import org.jspecify.annotations.Nullable;

/**
 * The same work done three ways. A call of each takes the work's amount once.
 *
 * @param amount work of one call
 * @param unit what the amount counts
 * @param ours this project's way
 * @param peers libtorch's ways, or PyTorch's or Jlama's, of which the fastest counts; empty where
 *     there is none
 * @param other a second peer's way, OpenBLAS's or compiled PyTorch's, or null where there is none
 * @param limits loops that take as long as the machine must, of which the slowest counts
 * @param intensity floating-point operations per byte of operands, or 0 where that is not known
 * @param closing what frees the sides, in this order
 */
public record Contest(
    double amount,
    Unit unit,
    Runnable ours,
    List<Runnable> peers,
    @Nullable Runnable other,
    List<Runnable> limits,
    double intensity,
    List<Runnable> closing)
    implements AutoCloseable {

  /**
   * Work that is counted in floating-point operations.
   *
   * @param flops useful ones
   * @param traffic which bounds the work instead where that takes longer
   */
  static Contest flops(double flops, Traffic traffic, Ours ours, Peer peer, Place place) {
    double intensity = flops / ours.cost().bytes();
    return of(flops, Unit.GFLOPS, ours, peer, slower(traffic, flops, ours, place), intensity);
  }

  /**
   * Work that is counted in bytes.
   *
   * @param traffic both ways
   * @param flops useful floating-point operations, which bound the work instead where that takes
   *     longer
   */
  static Contest bytes(Traffic traffic, double flops, Ours ours, Peer peer, Place place) {
    double amount = (double) traffic.total();
    Limit limit = slower(traffic, flops, ours, place);
    return of(amount, Unit.GIGABYTES, ours, peer, limit, flops / amount);
  }

  /** Work that memory bounds, and is counted in bytes. */
  static Contest memory(Traffic traffic, Ours ours, Peer peer, Place place) {
    Limit limit = Limit.memory(traffic, ours.engine(), place);
    double amount = (double) traffic.total();
    return of(amount, Unit.GIGABYTES, ours, peer, limit, ours.cost().flops() / amount);
  }

  private static Limit slower(Traffic traffic, double flops, Ours ours, Place place) {
    return Limit.slowerOf(
        Limit.memory(traffic, ours.engine(), place), Limit.arithmetic(flops, ours.engine(), place));
  }

  /** Work that is counted in tokens, and has no peer. */
  static Contest tokens(double tokens, Runnable ours, Runnable limit, Runnable... closing) {
    return tokens(tokens, ours, new Limit(List.of(limit), () -> {}), closing);
  }

  /** The same beside a limit that is closed last. */
  static Contest tokens(double tokens, Runnable ours, Limit limit, Runnable... closing) {
    List<Runnable> all = new ArrayList<>(List.of(closing));
    all.add(limit.closing());
    return new Contest(
        tokens, Unit.TOKENS, ours, List.of(), null, limit.calls(), 0, List.copyOf(all));
  }

  private static Contest of(
      double amount, Unit unit, Ours ours, Peer peer, Limit limit, double intensity) {
    return new Contest(
        amount,
        unit,
        ours::run,
        peer.calls(),
        null,
        limit.calls(),
        intensity,
        List.of(ours::close, peer::close, limit.closing()));
  }

  /**
   * The same with a second peer.
   *
   * @param freed what frees it
   */
  Contest against(@Nullable Runnable second, Runnable freed) {
    return against(peers, second, freed);
  }

  /**
   * The same with other peers.
   *
   * @param freed what frees them
   */
  Contest against(List<Runnable> first, @Nullable Runnable second, Runnable freed) {
    List<Runnable> all = new ArrayList<>(closing);
    all.add(freed);
    return new Contest(amount, unit, ours, first, second, limits, intensity, List.copyOf(all));
  }

  @Override
  public void close() {
    closing.forEach(Runnable::run);
  }
}

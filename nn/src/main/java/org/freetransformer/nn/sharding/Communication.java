package org.freetransformer.nn.sharding;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Stream;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.jspecify.annotations.Nullable;

/**
 * A collective call as two instructions of a program: one that starts it, and one that waits for
 * its end. What stands between them runs meanwhile. All tensors are f32; those of the unit's length
 * are called whole.
 */
record Communication(Instruction start, Instruction end) {
  /** The exchange that start and end have in common; it is made as the program is prepared. */
  private static final class Shared {
    private @Nullable Exchange exchange;

    Exchange get() {
      if (exchange == null) {
        throw new IllegalStateException("an exchange is waited for before it is started");
      }
      return exchange;
    }
  }

  /**
   * The way that numbers take.
   *
   * @param group the ranks
   * @param unit whose numbers they are
   * @param travelling their type on the way
   */
  record Route(ProcessGroup group, String unit, DType travelling) {
    /** What leaves a rank that sends a tensor to each other one. */
    private long toOthers(Tensor sent) {
      return sent.buffer().size() * travelling.bytes() * (group.size() - 1);
    }
  }

  /**
   * What a program is told of a call.
   *
   * @param name what it does, for readers
   * @param reads what it reads
   * @param writes what it changes; what is not read as well may be another's memory before
   * @param sent bytes that leave a rank
   */
  private record Call(String name, List<Buffer> reads, List<Buffer> writes, long sent) {}

  /**
   * A call and its end.
   *
   * @param wanted asked at every run whether it is to be done
   * @param emptied the first buffer is zero after a call that was wanted
   * @param exchange is given the memory of what is read and what is changed, in this order
   */
  private static Communication of(
      Call call,
      BooleanSupplier wanted,
      boolean emptied,
      Function<List<MemorySegment>, Exchange> exchange) {
    Shared shared = new Shared();
    Instruction start =
        new Instruction.HostCall(
            "start " + call.name(),
            call.reads(),
            call.writes(),
            call.sent(),
            true,
            at -> {
              shared.exchange = exchange.apply(at);
              return () -> {
                if (wanted.getAsBoolean()) {
                  shared.get().start();
                }
              };
            });
    List<Buffer> changed =
        emptied ? union(call.reads().subList(0, 1), call.writes()) : call.writes();
    Instruction end =
        new Instruction.HostCall(
            "await " + call.name(),
            union(call.reads(), call.writes()),
            changed,
            0,
            at ->
                () -> {
                  shared.get().await();
                  if (emptied && wanted.getAsBoolean()) {
                    at.getFirst().fill((byte) 0);
                  }
                });
    return new Communication(start, end);
  }

  private static List<Buffer> union(List<Buffer> some, List<Buffer> others) {
    return Stream.concat(some.stream(), others.stream()).distinct().toList();
  }

  /** Gathers the parts of all ranks into a whole. */
  static Communication allGather(Route route, Tensor part, Tensor whole) {
    return gather("all-gather", route, part, whole, () -> true);
  }

  /**
   * Gathers the shares of a gradient that the ranks have added up.
   *
   * @param wanted asked at every run whether it is to be done
   */
  static Communication gatherGradient(
      Route route, Tensor share, Tensor whole, BooleanSupplier wanted) {
    return gather("gradient-gather", route, share, whole, wanted);
  }

  private static Communication gather(
      String name, Route route, Tensor part, Tensor whole, BooleanSupplier wanted) {
    return of(
        new Call(
            name + " " + route.unit(),
            List.of(part.buffer()),
            List.of(whole.buffer()),
            route.toOthers(part)),
        wanted,
        false,
        at -> route.group().allGather(at.get(0), at.get(1), route.travelling()));
  }

  /** Gathers the parts of all ranks before the next instruction. */
  static Instruction allGatherNow(ProcessGroup group, String name, Tensor part, Tensor whole) {
    return new Instruction.HostCall(
        "all-gather " + name,
        List.of(part.buffer()),
        List.of(whole.buffer()),
        new Route(group, name, DType.F32).toOthers(part),
        at -> group.allGather(at.get(0), at.get(1))::run);
  }

  /**
   * Adds to a rank's part of the gradient the sum of all ranks' gradients.
   *
   * @param wanted asked at every run whether it is to be done; if so, {@code whole} is zero after
   *     it where it outlives the program
   */
  static Communication reduceScatter(
      Route route, Tensor whole, Tensor part, BooleanSupplier wanted, boolean outlives) {
    return of(
        new Call(
            "reduce-scatter " + route.unit(),
            List.of(whole.buffer(), part.buffer()),
            List.of(part.buffer()),
            route.toOthers(part)),
        wanted,
        outlives,
        at -> route.group().reduceScatter(at.get(0), route.travelling(), at.get(1)));
  }

  /**
   * Replaces values by their sum over all ranks.
   *
   * @param wanted asked at every run whether it is to be done
   */
  static Communication allReduce(Route route, Tensor values, BooleanSupplier wanted) {
    List<Buffer> used = List.of(values.buffer());
    long sent = 2 * route.toOthers(values) / route.group().size();
    return of(
        new Call("all-reduce " + route.unit(), used, used, sent),
        wanted,
        false,
        at -> route.group().allReduce(at.getFirst(), route.travelling()));
  }
}

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
   * A call and its end.
   *
   * @param reads what the call reads
   * @param writes what it changes; what is not read as well may be another's memory before
   * @param call is given the memory of both, in their order
   * @param sent bytes that leave a rank
   * @param wanted asked at every run whether it is to be done
   * @param emptied the first buffer is zero after a call that was wanted
   */
  private static Communication of(
      String name,
      List<Buffer> reads,
      List<Buffer> writes,
      long sent,
      BooleanSupplier wanted,
      boolean emptied,
      Function<List<MemorySegment>, Exchange> call) {
    Shared shared = new Shared();
    Instruction start =
        new Instruction.HostCall(
            "start " + name,
            reads,
            writes,
            sent,
            true,
            at -> {
              shared.exchange = call.apply(at);
              return () -> {
                if (wanted.getAsBoolean()) {
                  shared.get().start();
                }
              };
            });
    List<Buffer> used = Stream.concat(reads.stream(), writes.stream()).distinct().toList();
    List<Buffer> changed =
        emptied
            ? Stream.concat(reads.stream().limit(1), writes.stream()).distinct().toList()
            : writes;
    Instruction end =
        new Instruction.HostCall(
            "await " + name,
            used,
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

  /** Gathers the parts of all ranks into a whole. */
  static Communication allGather(
      ProcessGroup group, String unit, Tensor part, Tensor whole, DType travelling) {
    return of(
        "all-gather " + unit,
        List.of(part.buffer()),
        List.of(whole.buffer()),
        toOthers(group, part, travelling),
        () -> true,
        false,
        at -> group.allGather(at.get(0), at.get(1), travelling));
  }

  /**
   * Gathers the shares of a gradient that the ranks have added up.
   *
   * @param wanted asked at every run whether it is to be done
   */
  static Communication gatherGradient(
      ProcessGroup group,
      String unit,
      Tensor share,
      Tensor whole,
      DType travelling,
      BooleanSupplier wanted) {
    return of(
        "gradient-gather " + unit,
        List.of(share.buffer()),
        List.of(whole.buffer()),
        toOthers(group, share, travelling),
        wanted,
        false,
        at -> group.allGather(at.get(0), at.get(1), travelling));
  }

  /** Gathers the parts of all ranks before the next instruction. */
  static Instruction allGatherNow(ProcessGroup group, String name, Tensor part, Tensor whole) {
    return new Instruction.HostCall(
        "all-gather " + name,
        List.of(part.buffer()),
        List.of(whole.buffer()),
        toOthers(group, part, DType.F32),
        at -> group.allGather(at.get(0), at.get(1))::run);
  }

  /**
   * Adds to a rank's part of the gradient the sum of all ranks' gradients.
   *
   * @param wanted asked at every run whether it is to be done; if so, {@code whole} is zero after
   *     it where it outlives the program
   */
  static Communication reduceScatter(
      ProcessGroup group,
      String unit,
      Tensor whole,
      Tensor part,
      DType travelling,
      BooleanSupplier wanted,
      boolean outlives) {
    return of(
        "reduce-scatter " + unit,
        List.of(whole.buffer(), part.buffer()),
        List.of(part.buffer()),
        toOthers(group, part, travelling),
        wanted,
        outlives,
        at -> group.reduceScatter(at.get(0), travelling, at.get(1)));
  }

  /**
   * Replaces values by their sum over all ranks.
   *
   * @param wanted asked at every run whether it is to be done
   */
  static Communication allReduce(
      ProcessGroup group, String unit, Tensor values, DType travelling, BooleanSupplier wanted) {
    List<Buffer> used = List.of(values.buffer());
    return of(
        "all-reduce " + unit,
        used,
        used,
        2 * toOthers(group, values, travelling) / group.size(),
        wanted,
        false,
        at -> group.allReduce(at.getFirst(), travelling));
  }

  /** What leaves a rank that sends a tensor to each other one. */
  private static long toOthers(ProcessGroup group, Tensor sent, DType travelling) {
    return sent.buffer().size() * travelling.bytes() * (group.size() - 1);
  }
}

package org.freetransformer.nn.sharding;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.jspecify.annotations.Nullable;

/**
 * A collective call as two instructions of a program: one that starts it, and one that waits for
 * its end. What stands between them runs meanwhile.
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

  /** Gathers the parts of all ranks into a whole, both f32. */
  static Communication allGather(
      Engine engine, ProcessGroup group, String unit, Tensor part, Tensor whole, DType exchanged) {
    String name = "all-gather " + unit;
    Shared shared = new Shared();
    if (exchanged == DType.F32) {
      return new Communication(
          new Instruction.HostCall(
              "start " + name,
              List.of(part.buffer()),
              List.of(whole.buffer()),
              toOthers(group, part.buffer().bytes()),
              at -> {
                shared.exchange = group.allGather(at.get(0), at.get(1));
                return shared.get()::start;
              }),
          end(name, shared, part.buffer(), whole.buffer()));
    }
    Tensor narrowPart = engine.empty(exchanged, part.shape());
    Tensor narrowWhole = engine.empty(exchanged, whole.shape());
    BFloat16Copies copies = new BFloat16Copies();
    return new Communication(
        new Instruction.HostCall(
            "start " + name,
            List.of(part.buffer()),
            List.of(narrowPart.buffer(), narrowWhole.buffer()),
            toOthers(group, narrowPart.buffer().bytes()),
            at -> {
              shared.exchange = group.allGather(at.get(1), at.get(2));
              return () -> {
                copies.narrow(at.get(0), at.get(1));
                shared.get().start();
              };
            }),
        new Instruction.HostCall(
            "await " + name,
            List.of(narrowPart.buffer(), narrowWhole.buffer()),
            List.of(whole.buffer()),
            0,
            at ->
                () -> {
                  shared.get().await();
                  copies.widen(at.get(1), at.get(2));
                }));
  }

  /**
   * Adds to a rank's part of the gradient the sum of all ranks' gradients.
   *
   * @param wanted asked at every run whether it is to be done; if so, {@code whole} is zero after
   *     it where it outlives the program
   */
  static Communication reduceScatter(
      Engine engine,
      ProcessGroup group,
      String unit,
      Tensor whole,
      Tensor part,
      DType exchanged,
      BooleanSupplier wanted,
      boolean outlives) {
    String name = "reduce-scatter " + unit;
    Shared shared = new Shared();
    List<Buffer> reads = List.of(whole.buffer(), part.buffer());
    List<Buffer> narrow = narrow(engine, whole, exchanged);
    BFloat16Copies copies = new BFloat16Copies();
    Instruction start =
        new Instruction.HostCall(
            "start " + name,
            reads,
            joined(List.of(part.buffer()), narrow),
            toOthers(group, part.buffer().size() * exchanged.bytes()),
            at -> {
              MemorySegment sent = narrow.isEmpty() ? at.get(0) : at.get(3);
              shared.exchange = group.reduceScatter(sent, exchanged, at.get(1));
              return () -> {
                if (wanted.getAsBoolean()) {
                  if (!narrow.isEmpty()) {
                    copies.narrow(at.get(0), sent);
                  }
                  shared.get().start();
                }
              };
            });
    List<Buffer> used = joined(reads, narrow);
    Instruction end =
        new Instruction.HostCall(
            "await " + name,
            used,
            List.of(),
            0,
            at ->
                () -> {
                  shared.get().await();
                  if (outlives && wanted.getAsBoolean()) {
                    at.get(0).fill((byte) 0);
                  }
                });
    return new Communication(start, end);
  }

  /**
   * Replaces values by their sum over all ranks.
   *
   * @param wanted asked at every run whether it is to be done
   */
  static Communication allReduce(
      Engine engine,
      ProcessGroup group,
      String unit,
      Tensor values,
      DType exchanged,
      BooleanSupplier wanted) {
    String name = "all-reduce " + unit;
    Shared shared = new Shared();
    List<Buffer> narrow = narrow(engine, values, exchanged);
    BFloat16Copies copies = new BFloat16Copies();
    Instruction start =
        new Instruction.HostCall(
            "start " + name,
            List.of(values.buffer()),
            joined(List.of(values.buffer()), narrow),
            2 * toOthers(group, values.buffer().size() * exchanged.bytes() / group.size()),
            at -> {
              MemorySegment sent = narrow.isEmpty() ? at.get(0) : at.get(2);
              shared.exchange = group.allReduce(sent, exchanged);
              return () -> {
                if (wanted.getAsBoolean()) {
                  if (!narrow.isEmpty()) {
                    copies.narrow(at.get(0), sent);
                  }
                  shared.get().start();
                }
              };
            });
    List<Buffer> used = joined(List.of(values.buffer()), narrow);
    Instruction end =
        new Instruction.HostCall(
            "await " + name,
            used,
            List.of(values.buffer()),
            0,
            at ->
                () -> {
                  shared.get().await();
                  if (!narrow.isEmpty() && wanted.getAsBoolean()) {
                    copies.widen(at.get(1), at.get(0));
                  }
                });
    return new Communication(start, end);
  }

  /** What leaves a rank that sends so many bytes to each other one. */
  private static long toOthers(ProcessGroup group, long bytes) {
    return bytes * (group.size() - 1);
  }

  private static Instruction end(String name, Shared shared, Buffer... used) {
    return new Instruction.HostCall(
        "await " + name, List.of(used), List.of(), 0, _ -> () -> shared.get().await());
  }

  private static List<Buffer> narrow(Engine engine, Tensor like, DType exchanged) {
    return exchanged == DType.F32
        ? List.of()
        : List.of(engine.empty(exchanged, like.shape()).buffer());
  }

  private static List<Buffer> joined(List<Buffer> first, List<Buffer> second) {
    List<Buffer> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }
}

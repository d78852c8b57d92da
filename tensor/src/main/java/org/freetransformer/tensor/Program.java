package org.freetransformer.tensor;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Cost;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.MemoryPlan;
import org.freetransformer.tensor.device.Storage;

/**
 * A computation recorded once and replayed: the instructions that model code emitted, with every
 * intermediate tensor at a planned place in one arena. A run allocates nothing and checks no
 * shapes. What changes between runs lies in tensors that were made before the recording.
 */
public final class Program implements AutoCloseable {
  private final Engine engine;
  private final List<Instruction> instructions;
  private final Kernel kernel;
  private final Storage arena;
  private final List<Buffer> external;
  private final List<Tensor> outputs;

  private Program(
      Engine engine,
      List<Instruction> instructions,
      Kernel kernel,
      Storage arena,
      List<Buffer> external,
      List<Tensor> outputs) {
    this.engine = engine;
    this.instructions = instructions;
    this.kernel = kernel;
    this.arena = arena;
    this.external = external;
    this.outputs = outputs;
  }

  /**
   * Records what {@code body} computes, without running it.
   *
   * <p>A leaf without a gradient gets one while recording, and each run writes it anew; to one that
   * has a gradient each run adds.
   *
   * @param body emits operations; the tensors that it returns can be read after each run, all
   *     others that it makes are gone when it returns
   * @throws IllegalStateException if the engine is recording already, the body reads or writes
   *     values on the host, or an instruction reads what none wrote before
   */
  public static Program record(Engine engine, Supplier<List<Tensor>> body) {
    Recording recording = engine.startRecording();
    try {
      Recorded recorded = recorded(engine, recording, body);
      return ready(engine, recording, recorded.instructions(), recorded.outputs());
    } catch (RuntimeException | Error failure) {
      recording.discard();
      throw failure;
    }
  }

  private record Recorded(List<Instruction> instructions, List<Tensor> outputs) {}

  private static Recorded recorded(
      Engine engine, Recording recording, Supplier<List<Tensor>> body) {
    try {
      engine.rewriter().begin();
      List<Tensor> outputs = List.copyOf(body.get());
      List<Instruction> emitted = List.copyOf(recording.instructions());
      return new Recorded(List.copyOf(engine.rewriter().rewrite(emitted)), outputs);
    } finally {
      engine.stopRecording();
    }
  }

  /** What was recorded, with memory and kernels. */
  private static Program ready(
      Engine engine, Recording recording, List<Instruction> instructions, List<Tensor> outputs) {
    List<Storage> kept = outputs.stream().map(tensor -> tensor.buffer().storage()).toList();
    requireWritten(outputs, instructions, recording.intermediates());
    MemoryPlan plan = MemoryPlan.of(instructions, recording.intermediates(), kept);
    Storage arena = engine.device().bind(plan.storages(), plan.offsets(), plan.bytes());
    try {
      Kernel kernel = engine.device().prepare(instructions);
      List<Tensor> results = outputs.stream().map(Tensor::detach).toList();
      closeOthers(recording.intermediates(), kept);
      List<Buffer> external = externals(instructions, plan);
      return new Program(engine, instructions, kernel, arena, external, results);
    } catch (RuntimeException | Error failure) {
      arena.close();
      throw failure;
    }
  }

  private static void requireWritten(
      List<Tensor> outputs, List<Instruction> instructions, List<Storage> intermediates) {
    Set<Storage> unwritten = Collections.newSetFromMap(new IdentityHashMap<>());
    unwritten.addAll(intermediates);
    for (Instruction instruction : instructions) {
      instruction.writes().forEach(buffer -> unwritten.remove(buffer.storage()));
    }
    for (int i = 0; i < outputs.size(); i++) {
      Buffer output = outputs.get(i).buffer();
      if (unwritten.contains(output.storage())) {
        throw new IllegalStateException("no instruction writes output %d, %s".formatted(i, output));
      }
    }
  }

  /** The kernels know their memory; for all others, what shares its place is no longer there. */
  private static void closeOthers(List<Storage> intermediates, List<Storage> kept) {
    Set<Storage> open = Collections.newSetFromMap(new IdentityHashMap<>());
    open.addAll(kept);
    for (Storage storage : intermediates) {
      if (!open.contains(storage)) {
        storage.close();
      }
    }
  }

  /** One buffer of each storage that is not the program's own. */
  private static List<Buffer> externals(List<Instruction> instructions, MemoryPlan plan) {
    IdentityHashMap<Storage, Buffer> found = new IdentityHashMap<>();
    for (Instruction instruction : instructions) {
      instruction.reads().forEach(buffer -> found.putIfAbsent(buffer.storage(), buffer));
      instruction.writes().forEach(buffer -> found.putIfAbsent(buffer.storage(), buffer));
    }
    plan.storages().forEach(found::remove);
    return List.copyOf(found.values());
  }

  /**
   * Computes everything once.
   *
   * @throws IllegalStateException if the program, or memory that it uses, was closed, or while
   *     another program is recorded
   */
  public void run() {
    engine.requireNotRecording("a program cannot become part of it; run it before or after");
    if (!arena.isAlive()) {
      throw new IllegalStateException("this program was closed");
    }
    for (int i = 0; i < external.size(); i++) {
      if (!external.get(i).storage().isAlive()) {
        throw closedBefore(external.get(i));
      }
    }
    kernel.run();
  }

  private static IllegalStateException closedBefore(Buffer buffer) {
    return new IllegalStateException(
        "use after free: %s of '%s' (%d bytes), which this program reads or writes, was closed"
            .formatted(buffer, buffer.storage().owner(), buffer.storage().bytes()));
  }

  /** The tensors that the recorded body returned; valid until the program is closed. */
  public List<Tensor> outputs() {
    return outputs;
  }

  /** What runs, in order. */
  public List<Instruction> instructions() {
    return instructions;
  }

  /** What one run takes at least. */
  public Cost cost() {
    return instructions.stream().map(Instruction::cost).reduce(Cost.ZERO, Cost::plus);
  }

  /** Size of the arena that holds all intermediate tensors, in bytes. */
  public long arenaBytes() {
    return arena.bytes();
  }

  /** The program for a reader: a line for each instruction, with useful FLOPs and operands. */
  public String listing() {
    StringBuilder text =
        new StringBuilder("%5s  %-22s %14s  operands\n".formatted("#", "instruction", "FLOPs"));
    for (int i = 0; i < instructions.size(); i++) {
      Instruction instruction = instructions.get(i);
      text.append(
          "%5d  %-22s %14d  %s -> %s\n"
              .formatted(
                  i,
                  instruction.getClass().getSimpleName(),
                  instruction.cost().flops(),
                  listed(instruction.reads()),
                  listed(instruction.writes())));
    }
    return text.toString();
  }

  private static String listed(List<Buffer> buffers) {
    return buffers.stream().map(Buffer::toString).collect(Collectors.joining(" "));
  }

  /** Frees the arena. */
  @Override
  public void close() {
    arena.close();
  }
}

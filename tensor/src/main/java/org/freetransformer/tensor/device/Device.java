package org.freetransformer.tensor.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.memory.MemoryPool;

/**
 * What computes: memory, and a kernel for every {@link Instruction}. Everything that the engine
 * does passes through this seam. The parity suite compares each device with the scalar one.
 */
public interface Device extends AutoCloseable {
  /** Short name for people, such as {@code cpu-simd}. */
  String name();

  /** One line on what this device is: vector width, threads. */
  String description();

  /** Accounting of this device's memory. */
  MemoryPool memory();

  /**
   * Takes memory; its content is undefined.
   *
   * @param bytes size
   * @param dtype type of its elements, for a device that keeps types apart
   * @param owner in whose name the bytes are counted
   */
  Storage allocate(long bytes, DType dtype, String owner);

  /**
   * A storage of bytes that lie in the host's memory and never change, such as a mapped file's;
   * nothing on a device that computes on other memory.
   *
   * @param bytes aligned by 64, and there as long as the storage is used
   */
  default Optional<Storage> adopt(MemorySegment bytes) {
    return Optional.empty();
  }

  /** A storage without memory, for a program being recorded. */
  Storage reserve(long bytes, DType dtype);

  /**
   * Gives reserved storages their places in one block.
   *
   * @param storages what {@link #reserve} gave
   * @param offsets byte offset of each in the block, multiples of 64
   * @param bytes size of the block
   * @return the block; closing it frees all of them
   */
  Storage bind(List<Storage> storages, long[] offsets, long bytes);

  /**
   * Makes an instruction ready to run, any number of times.
   *
   * @throws IllegalStateException if a buffer was freed
   */
  Kernel prepare(Instruction instruction);

  /**
   * Makes the instructions of a program ready to run in order, as one kernel: a device that pays
   * for every launch puts them together.
   *
   * @throws IllegalStateException if a buffer was freed
   */
  default Kernel prepare(List<Instruction> instructions) {
    return Kernel.inTurn(instructions.stream().map(this::prepare).toList());
  }

  /** Copies bytes from the host into a storage. */
  void write(Storage target, long offset, MemorySegment source);

  /**
   * Bytes of the host for a storage.
   *
   * @param target where they go
   * @param offset at which byte of it they begin
   * @param source the bytes
   */
  record Write(Storage target, long offset, MemorySegment source) {}

  /**
   * Begins to bring bytes to the device while it computes. Any thread may call this; what it gives
   * is for the thread that computes, and writes them as {@link #write} does. The bytes must stay as
   * they are until then. A device without memory of its own has nothing to do ahead.
   */
  default Runnable writeAhead(List<Write> writes) {
    return () -> writes.forEach(one -> write(one.target(), one.offset(), one.source()));
  }

  /**
   * Has a storage's bytes written: where they lie if that is in the host's memory, or elsewhere and
   * copied.
   *
   * @param writer is given as many bytes as the storage has, aligned by 64
   */
  default void fill(Storage target, Consumer<MemorySegment> writer) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(target.bytes(), MemoryPool.ALIGNMENT);
      writer.accept(bytes);
      write(target, 0, bytes);
    }
  }

  /** Copies bytes from a storage to the host. */
  void read(Storage source, long offset, MemorySegment target);

  /** Kernels that show what it can do at best, for benchmarks; empty where it has none. */
  default Optional<Ceiling> ceiling() {
    return Optional.empty();
  }

  /** Stops threads and frees all memory. */
  @Override
  void close();
}

package org.freetransformer.tensor.device;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.memory.MemoryPool;
import org.freetransformer.tensor.memory.OffHeapStorage;

/** What devices on the CPU have in common: their memory, off the Java heap. */
public abstract class CpuDevice implements Device {
  private final MemoryPool memory = new MemoryPool();

  /** A device without any memory taken yet. */
  protected CpuDevice() {}

  /**
   * The memory that a buffer's layout points into, from the storage's start.
   *
   * @throws IllegalStateException if it was freed, or is not bound yet
   * @throws IllegalArgumentException if it is not a CPU's memory
   */
  public static MemorySegment segment(Buffer buffer) {
    return offHeap(buffer.storage()).segment();
  }

  private static OffHeapStorage offHeap(Storage storage) {
    if (storage instanceof OffHeapStorage offHeap) {
      return offHeap;
    }
    throw new IllegalArgumentException(
        "a CPU device computes on off-heap memory only, not on " + storage.getClass().getName());
  }

  /** A call of the host, told where its operands lie. */
  protected static Kernel hostCall(Instruction.HostCall call) {
    return call.body()
        .apply(
            Stream.concat(call.reads().stream(), call.writes().stream())
                .map(CpuDevice::elements)
                .toList());
  }

  /** The bytes of a contiguous buffer, no more. */
  protected static MemorySegment elements(Buffer buffer) {
    return segment(buffer)
        .asSlice(buffer.layout().offset() * buffer.dtype().bytes(), buffer.bytes());
  }

  @Override
  public MemoryPool memory() {
    return memory;
  }

  @Override
  public Storage allocate(long bytes, DType dtype, String owner) {
    return memory.allocate(bytes, owner);
  }

  @Override
  public Storage reserve(long bytes, DType dtype) {
    return OffHeapStorage.reserve(bytes);
  }

  @Override
  public Storage bind(List<Storage> storages, long[] offsets, long bytes) {
    OffHeapStorage block = memory.allocate(bytes, "program");
    for (int i = 0; i < offsets.length; i++) {
      OffHeapStorage storage = offHeap(storages.get(i));
      // Whole cache lines, so that a vector that begins in the storage may end behind it.
      long size = Math.ceilDiv(storage.bytes(), MemoryPool.ALIGNMENT) * (long) MemoryPool.ALIGNMENT;
      storage.bind(block.segment().asSlice(offsets[i], size));
    }
    return new BoundBlock(block, List.copyOf(storages));
  }

  /** A program's block; closed, it closes the storages within, so that none is used after it. */
  private record BoundBlock(OffHeapStorage block, List<Storage> parts) implements Storage {
    @Override
    public long bytes() {
      return block.bytes();
    }

    @Override
    public boolean isAlive() {
      return block.isAlive();
    }

    @Override
    public void close() {
      parts.forEach(Storage::close);
      block.close();
    }
  }

  @Override
  public void write(Storage target, long offset, MemorySegment source) {
    Objects.checkFromIndexSize(offset, source.byteSize(), target.bytes());
    MemorySegment.copy(source, 0, offHeap(target).segment(), offset, source.byteSize());
  }

  @Override
  public void fill(Storage target, Consumer<MemorySegment> writer) {
    writer.accept(offHeap(target).segment().asSlice(0, target.bytes()));
  }

  @Override
  public void read(Storage source, long offset, MemorySegment target) {
    Objects.checkFromIndexSize(offset, target.byteSize(), source.bytes());
    MemorySegment.copy(offHeap(source).segment(), offset, target, 0, target.byteSize());
  }

  @Override
  public void close() {
    memory.close();
  }
}

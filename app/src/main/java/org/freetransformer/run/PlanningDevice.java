package org.freetransformer.run;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Storage;
import org.freetransformer.tensor.memory.MemoryPool;

/**
 * A device that takes no memory and computes nothing, but counts what is asked of it: on it a model
 * of any size is built, and its training step recorded, in a moment. All values read as zeros.
 */
public final class PlanningDevice implements Device {
  private final MemoryPool none = new MemoryPool();
  private final Map<String, Long> bytesByOwner = new TreeMap<>();

  /** A device of which nothing was asked yet. */
  public PlanningDevice() {}

  /** Bytes asked for so far, by owner, never less what was given back. */
  public Map<String, Long> bytesByOwner() {
    return Map.copyOf(bytesByOwner);
  }

  /** All bytes asked for so far. */
  public long totalBytes() {
    return total(bytesByOwner);
  }

  static long total(Map<String, Long> bytes) {
    return bytes.values().stream().mapToLong(Long::longValue).sum();
  }

  @Override
  public String name() {
    return "planning";
  }

  @Override
  public String description() {
    return "counts memory and work, has neither";
  }

  /** An empty pool: no memory is ever taken. */
  @Override
  public MemoryPool memory() {
    return none;
  }

  @Override
  public Storage allocate(long bytes, DType dtype, String owner) {
    bytesByOwner.merge(owner, bytes, Long::sum);
    return new Nothing(bytes, true);
  }

  @Override
  public Storage reserve(long bytes, DType dtype) {
    return new Nothing(bytes, false);
  }

  @Override
  public Storage bind(List<Storage> storages, long[] offsets, long bytes) {
    return allocate(bytes, DType.U8, RunPlan.ACTIVATIONS);
  }

  @Override
  public Kernel prepare(Instruction instruction) {
    return () -> {};
  }

  @Override
  public void write(Storage target, long offset, MemorySegment source) {}

  @Override
  public void read(Storage source, long offset, MemorySegment target) {
    target.fill((byte) 0);
  }

  @Override
  public void close() {
    none.close();
  }

  /** A storage of a size alone. */
  private static final class Nothing implements Storage {
    private final long bytes;
    private final boolean alive;

    Nothing(long bytes, boolean alive) {
      this.bytes = bytes;
      this.alive = alive;
    }

    @Override
    public long bytes() {
      return bytes;
    }

    @Override
    public boolean isAlive() {
      return alive;
    }

    @Override
    public void close() {}
  }
}

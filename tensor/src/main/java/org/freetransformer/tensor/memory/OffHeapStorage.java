package org.freetransformer.tensor.memory;

import java.lang.foreign.MemorySegment;
import org.freetransformer.tensor.device.Storage;
import org.jspecify.annotations.Nullable;

/**
 * Memory outside the Java heap, 64-byte aligned. It comes from a {@link MemoryPool}, is someone
 * else's, or is reserved without memory while a program is recorded and bound to a place in the
 * program's arena later.
 */
public final class OffHeapStorage implements Storage {
  private static final String PLANNED = "planned";

  private final long bytes;
  private final String owner;
  private final @Nullable MemoryPool pool;
  private volatile @Nullable MemorySegment block;
  private volatile boolean closed;

  OffHeapStorage(long bytes, String owner, @Nullable MemoryPool pool) {
    this.bytes = bytes;
    this.owner = owner;
    this.pool = pool;
  }

  /** A storage that has a size but no memory until {@link #bind}. */
  public static OffHeapStorage reserve(long bytes) {
    return new OffHeapStorage(bytes, PLANNED, null);
  }

  /**
   * A storage of memory that stays its owner's.
   *
   * @throws IllegalArgumentException if it is not aligned
   */
  public static OffHeapStorage of(MemorySegment segment) {
    if (segment.address() % MemoryPool.ALIGNMENT != 0) {
      throw new IllegalArgumentException("memory must be aligned by " + MemoryPool.ALIGNMENT);
    }
    OffHeapStorage storage = new OffHeapStorage(segment.byteSize(), "others", null);
    storage.bind(segment);
    return storage;
  }

  /** Gives a reserved storage its memory, or a pooled one its block. */
  public void bind(MemorySegment segment) {
    if (segment.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "a segment of %d bytes cannot back a storage of %d".formatted(segment.byteSize(), bytes));
    }
    block = segment;
  }

  /**
   * The memory, {@link #bytes} long.
   *
   * @throws IllegalStateException if it was closed, or is not bound yet
   */
  public MemorySegment segment() {
    MemorySegment segment = block;
    if (closed && owner.equals(PLANNED) && segment != null) { // It was bound after that.
      throw new IllegalStateException(
          "use after free: the recorded body closed this tensor, which the program frees by"
              + " itself");
    }
    if (closed && owner.equals(PLANNED)) {
      throw new IllegalStateException(
          "use after free: this tensor was made while a program was recorded; only what the"
              + " recorded body returns can be used, and only as long as the program is open");
    }
    if (closed || (segment != null && !segment.scope().isAlive())) {
      throw new IllegalStateException(
          "use after free: this memory (%d bytes of '%s') was closed; keep its scope or tensor open as long as it is used"
              .formatted(bytes, owner));
    }
    if (segment == null) {
      throw new IllegalStateException(
          "this tensor belongs to a program being recorded: its values exist once the program"
              + " runs");
    }
    return segment;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public String owner() {
    return owner;
  }

  @Override
  public boolean isAlive() {
    MemorySegment segment = block;
    return !closed && segment != null && segment.scope().isAlive();
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    MemorySegment segment = block;
    block = null;
    if (pool != null && segment != null) {
      pool.release(owner, bytes, segment);
    }
  }
}

package org.freetransformer.tensor.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Off-heap memory for one device: freed blocks are kept by size and handed out again, and the live
 * bytes are counted by owner. When a new block is needed while more than half as much as is in use
 * is kept, and more than 256 MiB, what is kept goes back to the system first. Blocks come from
 * shared arenas, because a kernel's threads all touch them; closing a shared arena is slow, which
 * is why blocks are pooled rather than closed one by one. Large ones lie in huge pages where Linux
 * gives them (see {@code HugePages}).
 */
public final class MemoryPool implements AutoCloseable {
  /** Alignment of every block in bytes: a cache line, and a 512-bit vector. */
  public static final int ALIGNMENT = 64;

  /**
   * Memory of one piece.
   *
   * @param arena closed when the block is given back; null if it is part of something larger
   * @param segment the memory
   */
  public record Block(@Nullable Arena arena, MemorySegment segment) {
    private void close() {
      if (arena != null) {
        arena.close();
      }
    }
  }

  /** Where blocks come from. */
  @FunctionalInterface
  public interface Source {
    /**
     * A new block of {@code bytes}, aligned by {@link #ALIGNMENT}.
     *
     * @throws OutOfMemoryError if there is no more memory
     */
    Block block(long bytes);
  }

  private final IdentityHashMap<Source, TreeMap<Long, Deque<Block>>> free = new IdentityHashMap<>();
  private final IdentityHashMap<MemorySegment, Used> used = new IdentityHashMap<>();
  private final Map<String, Long> liveByOwner = new TreeMap<>();
  private long live;
  private long peak;
  private long reserved;
  private boolean closed;

  private static final Source SYSTEM = MemoryPool::systemBlock;
  private static final long ALWAYS_KEPT = 256L << 20;
  private static final long LARGE = 1 << 20;

  private record Used(Block block, Source source) {}

  private final long alwaysKept;

  /** An empty pool. */
  public MemoryPool() {
    this(ALWAYS_KEPT);
  }

  /** A pool that may keep so many bytes for reuse, however few are in use. */
  MemoryPool(long alwaysKept) {
    this.alwaysKept = alwaysKept;
  }

  /**
   * Takes a block of the system's memory. Its content is undefined.
   *
   * @param bytes size, 0 or more
   * @param owner in whose name the bytes are counted
   * @throws OutOfMemoryError if the system has no more memory
   */
  public OffHeapStorage allocate(long bytes, String owner) {
    return allocate(bytes, owner, SYSTEM);
  }

  /**
   * Takes a block of a source's memory. Its content is undefined.
   *
   * @param bytes size, 0 or more
   * @param owner in whose name the bytes are counted
   * @param source where the block comes from if none of its blocks is free; if it is exhausted, a
   *     larger block that is free serves as well
   * @throws OutOfMemoryError if the source has no more memory
   */
  public synchronized OffHeapStorage allocate(long bytes, String owner, Source source) {
    if (closed) {
      throw new IllegalStateException("the device was closed: no more memory can be taken from it");
    }
    long capacity = sizeClass(bytes);
    Deque<Block> blocks = kept(source).get(capacity);
    Block block = blocks == null ? null : blocks.poll();
    if (block == null) {
      block = newBlock(capacity, source);
    }
    used.put(block.segment(), new Used(block, source));
    OffHeapStorage storage = new OffHeapStorage(bytes, owner, this);
    storage.bind(block.segment());
    liveByOwner.merge(owner, bytes, Long::sum);
    live += bytes;
    peak = Math.max(peak, live);
    return storage;
  }

  /** A block of the source's; if it has no more, one that is free and larger. */
  private Block newBlock(long capacity, Source source) {
    if (source.equals(SYSTEM) && bytes(kept(SYSTEM)) > Math.max(alwaysKept, live / 2)) {
      trim(); // Work of ever new sizes would keep blocks of all of them.
    }
    try {
      return countedBlock(capacity, source);
    } catch (OutOfMemoryError full) {
      NavigableMap<Long, Deque<Block>> kept = kept(source);
      for (Deque<Block> larger : kept.tailMap(capacity).values()) {
        if (!larger.isEmpty()) {
          return larger.pop();
        }
      }
      long bytes = bytes(kept);
      if (bytes > 0 && source.equals(SYSTEM)) {
        trim();
        return countedBlock(capacity, source);
      }
      throw bytes == 0 ? full : inSmallerPieces(bytes, full);
    }
  }

  private NavigableMap<Long, Deque<Block>> kept(Source source) {
    return free.getOrDefault(source, new TreeMap<>());
  }

  private Block countedBlock(long capacity, Source source) {
    Block block = source.block(capacity);
    reserved += capacity;
    return block;
  }

  private static long bytes(Map<Long, Deque<Block>> kept) {
    return kept.entrySet().stream()
        .mapToLong(entry -> entry.getKey() * entry.getValue().size())
        .sum();
  }

  /** Blocks are never joined: there may be enough memory, and none in one piece. */
  private static OutOfMemoryError inSmallerPieces(long bytes, OutOfMemoryError full) {
    OutOfMemoryError told =
        new OutOfMemoryError(
            "%s; %d of those that are taken are free, in smaller pieces"
                .formatted(full.getMessage(), bytes));
    told.initCause(full);
    return told;
  }

  private static Block systemBlock(long capacity) {
    return HugePages.block(capacity).orElseGet(() -> pagedBlock(capacity));
  }

  @SuppressWarnings("MustBeClosedChecker") // The pool closes it, in trim() or close().
  private static Block pagedBlock(long capacity) {
    Arena arena = Arena.ofShared();
    try {
      return new Block(arena, arena.allocate(capacity, ALIGNMENT));
    } catch (OutOfMemoryError full) {
      arena.close();
      throw full;
    }
  }

  /**
   * Rounds up to an eighth of a power of two, large blocks to a 64th: at most 12.5 % or 1.6 % is
   * lost, and blocks fit again.
   */
  static long sizeClass(long bytes) {
    long size = Math.max(bytes, ALIGNMENT);
    long step = Math.max(ALIGNMENT, Long.highestOneBit(size) / (size < LARGE ? 8 : 64));
    return (size + step - 1) / step * step;
  }

  synchronized void release(String owner, long bytes, MemorySegment segment) {
    Used taken = used.remove(segment);
    if (taken == null) {
      return; // The pool was closed before, and all its blocks with it.
    }
    live -= bytes;
    liveByOwner.computeIfPresent(owner, (_, total) -> total == bytes ? null : total - bytes);
    free.computeIfAbsent(taken.source(), _ -> new TreeMap<>())
        .computeIfAbsent(segment.byteSize(), _ -> new ArrayDeque<>())
        .push(taken.block());
  }

  /** Bytes in use. */
  public synchronized long liveBytes() {
    return live;
  }

  /** The most bytes that were ever in use at once. */
  public synchronized long peakBytes() {
    return peak;
  }

  /** Bytes taken from the system: those in use and those kept for reuse. */
  public synchronized long reservedBytes() {
    return reserved;
  }

  /** Bytes in use by owner; owners without any are absent. */
  public synchronized Map<String, Long> liveBytesByOwner() {
    return Map.copyOf(liveByOwner);
  }

  /** Gives the blocks that are kept for reuse back to the system. */
  public synchronized void trim() {
    for (Deque<Block> blocks : kept(SYSTEM).values()) {
      for (Block block : blocks) {
        reserved -= block.segment().byteSize();
        block.close();
      }
    }
    free.remove(SYSTEM);
  }

  /** Gives all memory back; what is still in use dies with it, and using it is an exception. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    trim();
    closed = true;
    used.values().forEach(taken -> taken.block().close());
    used.clear();
    free.clear();
    liveByOwner.clear();
    live = 0;
    reserved = 0;
  }
}

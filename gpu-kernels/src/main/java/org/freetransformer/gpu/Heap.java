package org.freetransformer.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.memory.MemoryPool;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * All words of one type that a device holds, as one array of TornadoVM and its copy on the host.
 * One array, because a task takes few arguments, and because a program's tensors then are places
 * within it, as the memory plan gives them.
 *
 * <p>It remembers which pieces the host wrote since the device last heard of them.
 */
final class Heap implements MemoryPool.Source {
  /** Words of four bytes. */
  static final int WORD = Integer.BYTES;

  /** Half-open range of words. */
  record Range(int start, int end) {}

  private final String what;
  private final MemorySegment words;
  private final List<Range> written = new ArrayList<>();
  private long used;

  /**
   * A heap in memory of the arena, behind the header that TornadoVM wants.
   *
   * @param whole header and words
   * @param what what it holds, for messages
   */
  Heap(MemorySegment whole, String what) {
    this.what = what;
    this.words = whole.asSlice(TornadoNativeArray.ARRAY_HEADER);
  }

  /** Memory for a heap of so many words. */
  static MemorySegment memory(Arena arena, long words) {
    return arena.allocate(TornadoNativeArray.ARRAY_HEADER + words * WORD, MemoryPool.ALIGNMENT);
  }

  @Override
  public MemoryPool.Block block(long bytes) {
    if (used + bytes > words.byteSize()) {
      throw new OutOfMemoryError(
          "the device's heap of %s has %d bytes, of which %d are taken; %d more do not fit: raise -D%s (bytes)"
              .formatted(what, words.byteSize(), used, bytes, TornadoVmDevice.MEMORY_PROPERTY));
    }
    MemorySegment segment = words.asSlice(used, bytes);
    used += bytes;
    return new MemoryPool.Block(null, segment);
  }

  /** The word at which a segment of this heap begins. */
  int place(MemorySegment segment) {
    return Math.toIntExact((segment.address() - words.address()) / WORD);
  }

  /** The host's copy. */
  MemorySegment words() {
    return words;
  }

  /** Notes that the host wrote some words. */
  void wrote(int start, int end) {
    written.add(new Range(start, end));
  }

  /** What the host wrote since the last call. */
  List<Range> takeWritten() {
    List<Range> taken = List.copyOf(written);
    written.clear();
    return taken;
  }
}

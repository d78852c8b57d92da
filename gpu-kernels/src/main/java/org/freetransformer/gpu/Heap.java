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
  /** Half-open range of words. */
  record Range(int start, int end) {}

  private final String what;
  private final int width;
  private final TornadoNativeArray array;
  private final MemorySegment words;
  private final List<Range> written = new ArrayList<>();
  private long used;
  private long scratch;

  /**
   * A heap in memory of the arena, behind the header that TornadoVM wants.
   *
   * @param array TornadoVM's view of the memory
   * @param whole header and words
   * @param width bytes of a word
   * @param what what it holds, for messages
   */
  Heap(TornadoNativeArray array, MemorySegment whole, int width, String what) {
    this.array = array;
    this.what = what;
    this.width = width;
    this.words = whole.asSlice(TornadoNativeArray.ARRAY_HEADER);
  }

  /** Memory for a heap of so many words of a width in bytes. */
  static MemorySegment memory(Arena arena, long words, int width) {
    return arena.allocate(TornadoNativeArray.ARRAY_HEADER + words * width, MemoryPool.ALIGNMENT);
  }

  @Override
  public MemoryPool.Block block(long bytes) {
    requireRoom(used + bytes, scratch, bytes);
    MemorySegment segment = words.asSlice(used, bytes);
    used += bytes;
    return new MemoryPool.Block(null, segment);
  }

  /**
   * Makes sure of so many words at the heap's end for what lives within one instruction. They are
   * the same words each time.
   *
   * @return the first of them, at a multiple of 4
   */
  int scratch(long count) {
    long first = Math.floorDiv(words.byteSize() / width - count, 4L) * 4;
    long bytes = words.byteSize() - first * width;
    requireRoom(used, Math.max(scratch, bytes), bytes);
    scratch = Math.max(scratch, bytes);
    return Math.toIntExact(first);
  }

  private void requireRoom(long blocks, long atEnd, long bytes) {
    if (blocks + atEnd > words.byteSize()) {
      throw new OutOfMemoryError(
          "the device's heap of %s has %d bytes, of which %d are taken; %d more do not fit: raise -D%s"
              .formatted(
                  what, words.byteSize(), used + scratch, bytes, TornadoVmDevice.MEMORY_PROPERTY));
    }
  }

  /** The word at which a segment of this heap begins. */
  int place(MemorySegment segment) {
    return Math.toIntExact((segment.address() - words.address()) / width);
  }

  /** Whether a segment lies in this heap. */
  boolean contains(MemorySegment segment) {
    long offset = segment.address() - words.address();
    return offset >= 0 && offset < words.byteSize();
  }

  /** Bytes of a word. */
  int width() {
    return width;
  }

  /** Words that so many bytes take. */
  int words(long bytes) {
    return Math.toIntExact(Math.ceilDiv(bytes, (long) width));
  }

  /** TornadoVM's view of it. */
  TornadoNativeArray array() {
    return array;
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

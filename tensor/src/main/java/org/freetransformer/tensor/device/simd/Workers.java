package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.freetransformer.tensor.memory.MemoryPool;
import org.freetransformer.tensor.memory.OffHeapStorage;
import org.jspecify.annotations.Nullable;

/**
 * The thread team with scratch memory for each of its members. Kernels ask for scratch when they
 * are prepared and fetch it when they run; it is shared by all of them, so nothing survives a run.
 */
final class Workers implements AutoCloseable {
  /** Elements of a task of a kernel that does little with each. */
  static final int BLOCK = 16_384;

  // Waking the team costs a few microseconds: as long as this many elements take one thread.
  private static final long WORTH_SHARING = 2 * BLOCK;
  static final int SLOTS = 10;

  private final ThreadTeam team;
  // Apart from the device's memory, whose live bytes are those of tensors.
  private final MemoryPool memory = new MemoryPool();
  private final float[][][] arrays;
  private final OffHeapStorage[] segments;
  private final MemorySegment[] blocks;
  private @Nullable OffHeapStorage shared;

  Workers(ThreadTeam team) {
    this.team = team;
    arrays = new float[SLOTS][team.size()][0];
    segments = new OffHeapStorage[team.size()];
    Arrays.setAll(segments, _ -> memory.allocate(0, "scratch"));
    blocks = new MemorySegment[team.size()];
    Arrays.setAll(blocks, _ -> memory.allocate(Transposer.SCRATCH_BYTES, "scratch").segment());
  }

  ThreadTeam team() {
    return team;
  }

  int size() {
    return team.size();
  }

  /**
   * Runs the tasks; on the calling thread alone if there is little to do.
   *
   * @param elements how much there is to do
   */
  void run(int tasks, long elements, ThreadTeam.Task task) {
    if (elements >= WORTH_SHARING) {
      team.run(tasks, task);
    } else {
      for (int i = 0; i < tasks; i++) {
        task.run(i, 0);
      }
    }
  }

  /** How many blocks of {@link #BLOCK} elements there are. */
  static int blocks(long elements) {
    return Math.toIntExact(Math.ceilDiv(elements, BLOCK));
  }

  /**
   * Makes {@link #array} at least {@code floats} long.
   *
   * @param slot which of a member's arrays, 0 to {@code SLOTS} − 1
   */
  void requireArray(int slot, int floats) {
    if (arrays[slot][0].length < floats) {
      Arrays.setAll(arrays[slot], _ -> new float[floats]);
    }
  }

  /** Makes {@link #segment} at least {@code bytes} long. */
  void requireSegment(long bytes) {
    if (segments[0].bytes() < bytes) {
      for (OffHeapStorage segment : segments) {
        segment.close();
      }
      Arrays.setAll(segments, _ -> memory.allocate(bytes, "scratch"));
    }
  }

  /** Makes {@link #shared} at least {@code bytes} long. */
  void requireShared(long bytes) {
    OffHeapStorage present = shared;
    if (present == null || present.bytes() < bytes) {
      if (present != null) {
        present.close();
      }
      shared = memory.allocate(bytes, "scratch");
    }
  }

  /** A member's own array. */
  float[] array(int slot, int worker) {
    return arrays[slot][worker];
  }

  /** A member's own off-heap memory. */
  MemorySegment segment(int worker) {
    return segments[worker].segment();
  }

  /** A member's own room for {@link Transposer}. */
  MemorySegment blocks(int worker) {
    return blocks[worker];
  }

  /** Off-heap memory that all members of the team see. */
  MemorySegment shared() {
    OffHeapStorage present = shared;
    if (present == null) {
      throw new IllegalStateException("no kernel asked for shared scratch memory");
    }
    return present.segment();
  }

  @Override
  public void close() {
    team.close();
    memory.close();
  }
}

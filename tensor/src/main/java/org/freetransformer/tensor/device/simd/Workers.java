package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.memory.MemoryPool;
import org.freetransformer.tensor.memory.OffHeapStorage;
import org.jspecify.annotations.Nullable;

/**
 * The thread team with scratch memory for each of its members. Kernels ask for scratch when they
 * are prepared and fetch it when they run; it is shared by all of them, so nothing survives a run.
 * The team is closed with it, also if there is no memory for it.
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
  private int[][] words;
  private final OffHeapStorage[] segments;
  private final MemorySegment[] transposeRooms;
  private @Nullable OffHeapStorage shared;

  Workers(ThreadTeam team) {
    this.team = team;
    arrays = new float[SLOTS][team.size()][0];
    words = new int[team.size()][0];
    transposeRooms = new MemorySegment[team.size()];
    try {
      segments = scratch(0);
      Arrays.setAll(
          transposeRooms, _ -> memory.allocate(Transposer.SCRATCH_BYTES, "scratch").segment());
    } catch (OutOfMemoryError full) {
      team.close();
      memory.close();
      throw full;
    }
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
      arrays[slot] = new float[size()][floats];
    }
  }

  /** Makes {@link #words} at least so long. */
  void requireWords(int count) {
    if (words[0].length < count) {
      words = new int[size()][count];
    }
  }

  /** Makes {@link #segment} at least {@code bytes} long. */
  void requireSegment(long bytes) {
    if (segments[0].bytes() < bytes) {
      OffHeapStorage[] larger = scratch(bytes);
      for (int i = 0; i < larger.length; i++) {
        segments[i].close();
        segments[i] = larger[i];
      }
    }
  }

  /** A piece for each member, or none at all: what there was must serve if memory is short. */
  private OffHeapStorage[] scratch(long bytes) {
    List<OffHeapStorage> pieces = new ArrayList<>();
    try {
      while (pieces.size() < size()) {
        pieces.add(memory.allocate(bytes, "scratch"));
      }
    } catch (OutOfMemoryError full) {
      pieces.forEach(OffHeapStorage::close);
      throw full;
    }
    return pieces.toArray(OffHeapStorage[]::new);
  }

  /** Makes {@link #shared} at least {@code bytes} long. */
  void requireShared(long bytes) {
    OffHeapStorage present = shared;
    if (present == null || present.bytes() < bytes) {
      shared = memory.allocate(bytes, "scratch");
      if (present != null) {
        present.close();
      }
    }
  }

  /** A member's own array. */
  float[] array(int slot, int worker) {
    return arrays[slot][worker];
  }

  /** A member's own array for words of random numbers. */
  int[] words(int worker) {
    return words[worker];
  }

  /** A member's own off-heap memory. */
  MemorySegment segment(int worker) {
    return segments[worker].segment();
  }

  /** A member's own room for {@link Transposer}. */
  MemorySegment transposeRoom(int worker) {
    return transposeRooms[worker];
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

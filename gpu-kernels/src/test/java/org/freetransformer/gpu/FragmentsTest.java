package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * What the kernels' Java bodies of tensor cores are worth: that the API's signatures give each lane
 * the numbers that the PTX ISA says ("Matrix Fragments for mma.m16n8k16 with floating point type"),
 * told here as there, by the lane's group of four and its place in it.
 */
class FragmentsTest {
  private static final int LANES = 32;

  /** Two warps, so that a lane is not the item of its number. */
  private static final int ITEMS = 2 * LANES;

  /** Numbers of A and B that a lane holds. */
  private static final int HELD = 8 + 4;

  private static final int STORED = ITEMS * HELD;
  private static final int COLUMNS = 10;

  /** Number {@code i} of A's fragment has these coordinates. */
  private static int rowOfA(int group, int i) {
    return i < 2 || (4 <= i && i < 6) ? group : group + 8;
  }

  private static int columnOfA(int inGroup, int i) {
    return inGroup * 2 + (i & 1) + (i < 4 ? 0 : 8);
  }

  private static int rowOfB(int inGroup, int i) {
    return inGroup * 2 + (i & 1) + (i < 2 ? 0 : 8);
  }

  /** Tiles whose numbers say where they stand; what lanes hold of them, and what they store. */
  private static void holdAndStore(
      KernelContext c,
      FloatArray out,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int[] tiles = c.allocateIntLocalArray(2 * (128 + 64));
    int warp = c.localIdx / LANES;
    int lane = c.localIdx % LANES;
    int mine = warp * (128 + 64);
    for (int i = lane; i < 128 + 64; i += LANES) {
      tiles[mine + i] = 2 * i | (2 * i + 1) << 16;
    }
    c.localBarrier();
    HalfFloat[] heldA = c.mmaLoadA(tiles, 16, mine * 4);
    HalfFloat[] heldB = c.mmaLoadB(tiles, 16, (mine + 128) * 4);
    for (int i = 0; i < HELD; i++) {
      HalfFloat held = i < 8 ? heldA[i] : heldB[i - 8];
      out.set(c.localIdx * HELD + i, held.getHalfFloatValue());
    }
    float[] sums = c.mmaFragment(0f);
    for (int i = 0; i < 4; i++) {
      sums[i] = 4 * lane + i;
    }
    c.mmaStore(sums, out, 1 + 16 * warp, STORED + 2, COLUMNS);
  }

  private static FloatArray run() throws TornadoExecutionPlanException {
    assumeFalse(TornadoVm.isReal(), "kernels run on a device");
    FloatArray out = new FloatArray(STORED + 33 * COLUMNS);
    IntArray ints = new IntArray(1);
    ShortArray halves = new ShortArray(1);
    WorkerGrid1D grid = new WorkerGrid1D(ITEMS);
    grid.setLocalWork(ITEMS, 1, 1);
    GridScheduler grids = new GridScheduler();
    grids.addWorkerGrid("fragments.warps", grid);
    TaskGraph graph =
        new TaskGraph("fragments")
            .transferToDevice(DataTransferMode.FIRST_EXECUTION, out, ints, halves)
            .task(
                "warps",
                FragmentsTest::holdAndStore,
                new KernelContext(),
                out,
                ints,
                halves,
                ints,
                0f,
                0f);
    try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
      plan.withGridScheduler(grids).execute().transferToHost(new DataRange(out));
    }
    return out;
  }

  @Test
  void lanesHoldWhatTheIsaSays() throws TornadoExecutionPlanException {
    FloatArray out = run();
    for (int item = 0; item < ITEMS; item++) {
      int group = item % LANES >> 2;
      int inGroup = item % 4;
      for (int i = 0; i < 8; i++) {
        assertThat(out.get(item * HELD + i))
            .as("number %d of A in item %d", i, item)
            .isEqualTo(rowOfA(group, i) * 16 + columnOfA(inGroup, i));
      }
      for (int i = 0; i < 4; i++) {
        assertThat(out.get(item * HELD + 8 + i))
            .as("number %d of B in item %d", i, item)
            .isEqualTo(256 + rowOfB(inGroup, i) * 8 + group);
      }
    }
  }

  @Test
  void lanesStoreWhatTheIsaSays() throws TornadoExecutionPlanException {
    FloatArray out = run();
    for (int item = 0; item < ITEMS; item++) {
      int lane = item % LANES;
      for (int i = 0; i < 4; i++) {
        int row = 1 + item / LANES * 16 + (lane >> 2) + (i < 2 ? 0 : 8);
        int column = lane % 4 * 2 + (i & 1);
        assertThat(out.get(STORED + 2 + row * COLUMNS + column))
            .as("sum %d of item %d", i, item)
            .isEqualTo(4 * lane + i);
      }
    }
  }
}

package org.freetransformer.gpu;

import java.util.List;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task6;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** The arrays of a device where a {@link Landing}'s words are until they go into the heaps. */
final class LandingArea {
  /** Name of the graph that copies. */
  static final String COPYING = "landing";

  private static final String MOVING = "move";

  private final FloatArray floats;
  private final IntArray ints;
  private final IntArray floatTable = new IntArray(3 * TransferKernels.LANDED);
  private final IntArray intTable = new IntArray(3 * TransferKernels.LANDED);

  /** Room for so many words of each type. */
  LandingArea(int floatWords, int intWords) {
    this.floats = new FloatArray(Math.max(1, floatWords));
    this.ints = new IntArray(Math.max(1, intWords));
  }

  /** What a plan's graphs must consume of the graph that copies. */
  Object[] arrays() {
    return new Object[] {floats, ints};
  }

  /** Copies both arrays to the device, and does nothing else. */
  TaskGraph copying(GridScheduler grids) {
    KernelContext context = new KernelContext();
    Task6<KernelContext, FloatArray, IntArray, IntArray, Float, Float> keep = TransferKernels::keep;
    grids.addWorkerGrid(COPYING + ".keep", groups(1));
    return new TaskGraph(COPYING)
        .transferToDevice(DataTransferMode.FIRST_EXECUTION, intTable)
        .transferToDevice(DataTransferMode.EVERY_EXECUTION, arrays())
        .task("keep", keep, context, floats, ints, intTable, 0f, 0f)
        .persistOnDevice(arrays());
  }

  /**
   * Moves what {@link #aim} says into the heaps.
   *
   * @param consumed all that is on the device
   */
  TaskGraph moving(FloatArray floatHeap, IntArray intHeap, Object[] consumed, GridScheduler grids) {
    KernelContext context = new KernelContext();
    Task6<KernelContext, FloatArray, IntArray, FloatArray, Float, Float> toFloats =
        TransferKernels::moveFloats;
    Task6<KernelContext, IntArray, IntArray, IntArray, Float, Float> toInts =
        TransferKernels::moveInts;
    grids.addWorkerGrid(MOVING + ".floats", items(floats));
    grids.addWorkerGrid(MOVING + ".ints", items(ints));
    return new TaskGraph(MOVING)
        .consumeFromDevice(Uploads.GRAPH, consumed)
        .transferToDevice(DataTransferMode.EVERY_EXECUTION, floatTable, intTable)
        .task("floats", toFloats, context, floats, floatTable, floatHeap, 0f, 0f)
        .task("ints", toInts, context, ints, intTable, intHeap, 0f, 0f);
  }

  /** One for each word, and some that have none. */
  private static WorkerGrid1D items(TornadoNativeArray array) {
    return groups(Math.ceilDiv(array.getSize(), Groups.SIZE));
  }

  private static WorkerGrid1D groups(int groups) {
    WorkerGrid1D grid = new WorkerGrid1D(groups * Groups.SIZE);
    grid.setLocalWork(Groups.SIZE, 1, 1);
    return grid;
  }

  boolean hasRoomFor(int floatWords, int intWords) {
    return floatWords <= floats.getSize() && intWords <= ints.getSize();
  }

  boolean hasRoomFor(Landing.Load load) {
    return hasRoomFor(load.floatWords(), load.intWords())
        && Math.max(load.floats().size(), load.ints().size()) <= TransferKernels.LANDED;
  }

  /** Puts a load's words into the host's arrays. */
  void fill(Landing.Load load) {
    fill(floats, load.floats());
    fill(ints, load.ints());
  }

  private static void fill(TornadoNativeArray array, List<Landing.Piece> pieces) {
    long at = 0;
    for (Landing.Piece piece : pieces) {
      array.getSegment().asSlice(at, piece.source().byteSize()).copyFrom(piece.source());
      at += piece.source().byteSize();
    }
  }

  /** Tells the next move where a load's words go. */
  void aim(Landing.Load load) {
    aim(floatTable, load.floats());
    aim(intTable, load.ints());
  }

  private static void aim(IntArray table, List<Landing.Piece> pieces) {
    int first = 0;
    for (int i = 0; i < TransferKernels.LANDED; i++) {
      boolean isThere = i < pieces.size();
      int words = isThere ? pieces.get(i).words() : 0;
      table.set(3 * i, first);
      table.set(3 * i + 1, isThere ? pieces.get(i).place() : 0);
      table.set(3 * i + 2, words);
      first += words;
    }
  }
}

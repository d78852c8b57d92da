package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task6;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * The task graph that takes the heaps to the device, and what the host wrote since: in small
 * arrays, from where kernels move the words to their places.
 */
final class Uploads {
  /** Name of the graph. */
  static final String GRAPH = "upload";

  /** Words that one run of the graph can bring, for each type. */
  private static final int STAGED = 1 << 16;

  private static final int PIECES = STAGED / TransferKernels.PIECE;
  private static final int UNUSED = 64;

  private final Staging<FloatArray> floats;
  private final Staging<IntArray> ints;
  private Staging<ShortArray> halves;

  /** For heaps that are arrays of TornadoVM. */
  Uploads(FloatArray floats, IntArray ints) {
    this.floats = new Staging<>(floats, new FloatArray(STAGED));
    this.ints = new Staging<>(ints, new IntArray(STAGED));
    // Kernels take all three heaps, used or not.
    this.halves = new Staging<>(new ShortArray(UNUSED), new ShortArray(STAGED));
  }

  /** From now on there are numbers of 16 bits, in this heap. */
  void keepHalvesIn(ShortArray heap) {
    halves = new Staging<>(heap, halves.staged());
  }

  FloatArray floats() {
    return floats.heap();
  }

  IntArray ints() {
    return ints.heap();
  }

  ShortArray halves() {
    return halves.heap();
  }

  /** All three heaps. */
  List<TornadoNativeArray> heaps() {
    return List.of(floats(), ints(), halves());
  }

  /** A heap, and the array in which changes to it travel, with the table of their places. */
  private record Staging<A extends TornadoNativeArray>(A heap, A staged, IntArray table) {
    Staging(A heap, A staged) {
      this(heap, staged, new IntArray(2 * PIECES));
    }

    /** Puts the {@code run}-th lot of pieces into the staging array. */
    void stage(List<Heap.Range> pieces, int run) {
      long width = heap.getElementSize();
      for (int i = 0; i < PIECES; i++) {
        int at = run * PIECES + i;
        Heap.Range piece = at < pieces.size() ? pieces.get(at) : new Heap.Range(0, 0);
        int words = piece.end() - piece.start();
        table.set(2 * i, piece.start());
        table.set(2 * i + 1, words);
        staged
            .getSegment()
            .asSlice(width * i * TransferKernels.PIECE)
            .copyFrom(heap.getSegment().asSlice(width * piece.start(), width * words));
      }
    }

    void clear() {
      for (int i = 0; i < table.getSize(); i++) {
        table.set(i, 0);
      }
    }
  }

  /** The graph; it consumes {@code landed}, so that those after it can. */
  TaskGraph graph(Object[] landed, GridScheduler grids) {
    KernelContext context = new KernelContext();
    TaskGraph graph = new TaskGraph(GRAPH);
    if (landed.length > 0) {
      graph.consumeFromDevice(LandingArea.COPYING, landed);
    }
    for (Staging<?> part : List.of(floats, ints, halves)) {
      graph
          .transferToDevice(DataTransferMode.FIRST_EXECUTION, part.heap())
          .transferToDevice(DataTransferMode.EVERY_EXECUTION, part.staged(), part.table());
    }
    for (String task : List.of("floats", "ints", "halves")) {
      WorkerGrid1D grid = new WorkerGrid1D(STAGED);
      grid.setLocalWork(TransferKernels.PIECE, 1, 1);
      grids.addWorkerGrid(GRAPH + "." + task, grid);
    }
    Task6<KernelContext, FloatArray, IntArray, FloatArray, Float, Float> toFloats =
        TransferKernels::uploadFloats;
    Task6<KernelContext, IntArray, IntArray, IntArray, Float, Float> toInts =
        TransferKernels::uploadInts;
    Task6<KernelContext, ShortArray, IntArray, ShortArray, Float, Float> toHalves =
        TransferKernels::uploadHalves;
    Object[] heaps = heaps().toArray();
    return graph
        .task("floats", toFloats, context, floats.staged(), floats.table(), floats(), 0f, 0f)
        .task("ints", toInts, context, ints.staged(), ints.table(), ints(), 0f, 0f)
        .task("halves", toHalves, context, halves.staged(), halves.table(), halves(), 0f, 0f)
        .persistOnDevice(heaps)
        .transferToHost(DataTransferMode.UNDER_DEMAND, heaps);
  }

  /**
   * Brings ranges of the host's heaps to the device.
   *
   * @param run runs the graph, as often as it takes
   * @return words that were brought
   */
  long bring(
      List<Heap.Range> floatRanges,
      List<Heap.Range> intRanges,
      List<Heap.Range> halfRanges,
      Runnable run) {
    List<Heap.Range> floatPieces = pieces(floatRanges);
    List<Heap.Range> intPieces = pieces(intRanges);
    List<Heap.Range> halfPieces = pieces(halfRanges);
    int most = Math.max(floatPieces.size(), Math.max(intPieces.size(), halfPieces.size()));
    for (int lot = 0; lot < Math.ceilDiv(most, PIECES); lot++) {
      floats.stage(floatPieces, lot);
      ints.stage(intPieces, lot);
      halves.stage(halfPieces, lot);
      run.run();
    }
    List.of(floats, ints, halves).forEach(Staging::clear);
    return words(floatPieces) + words(intPieces) + words(halfPieces);
  }

  private static long words(List<Heap.Range> ranges) {
    return ranges.stream().mapToLong(range -> range.end() - range.start()).sum();
  }

  private static List<Heap.Range> pieces(List<Heap.Range> ranges) {
    List<Heap.Range> pieces = new ArrayList<>();
    for (Heap.Range range : ranges) {
      for (int at = range.start(); at < range.end(); at += TransferKernels.PIECE) {
        pieces.add(new Heap.Range(at, Math.min(range.end(), at + TransferKernels.PIECE)));
      }
    }
    return pieces;
  }
}

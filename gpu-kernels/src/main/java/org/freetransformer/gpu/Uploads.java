package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
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
 * The task graphs that take to the device what the host wrote: one takes the heaps as they are, and
 * later a few words of each type, in small arrays from where kernels move them to their places; the
 * other takes many floats, such as a model's unit that the host gathered. The first also makes the
 * {@link Panels}, once there are some.
 */
final class Uploads {
  /** Name of the graph that takes the heaps. */
  static final String GRAPH = "upload";

  private static final String MANY = "floats";

  /** Words of each type that one run brings, at the price of copying so many. */
  private static final int FEW_WORDS = 1 << 13;

  /** Floats that one run of the other graph brings. */
  private static final int MANY_WORDS = 1 << 18;

  private static final int UNUSED = 64;

  private final Staging<FloatArray> floats;
  private final Staging<IntArray> ints;
  private Staging<ShortArray> halves;
  private final Staging<FloatArray> manyFloats;
  private @Nullable Panels panels;

  /** For heaps that are arrays of TornadoVM. */
  Uploads(FloatArray floats, IntArray ints) {
    this.floats = new Staging<>(floats, new FloatArray(FEW_WORDS));
    this.ints = new Staging<>(ints, new IntArray(FEW_WORDS));
    // Kernels take all three heaps, used or not.
    this.halves = new Staging<>(new ShortArray(UNUSED), new ShortArray(FEW_WORDS));
    this.manyFloats = new Staging<>(floats, new FloatArray(MANY_WORDS));
  }

  /** From now on there are numbers of 16 bits, in this heap. */
  void keepHalvesIn(ShortArray heap) {
    halves = new Staging<>(heap, halves.staged());
  }

  /** From now on there are these. */
  void keep(Panels newPanels) {
    panels = newPanels;
  }

  /** Arrays for a library's operands, or null before {@link #keep}. */
  @Nullable Panels panels() {
    return panels;
  }

  /** The same where a step needs them. */
  Panels requirePanels() {
    return Objects.requireNonNull(panels, "panels");
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

  /** All that stays on the device from this graph on. */
  List<TornadoNativeArray> resident() {
    List<TornadoNativeArray> resident = new ArrayList<>(heaps());
    if (panels != null) {
      resident.addAll(panels.all());
    }
    return resident;
  }

  /** A heap, and the array in which changes to it travel, with the table of their places. */
  private record Staging<A extends TornadoNativeArray>(A heap, A staged, IntArray table) {
    Staging(A heap, A staged) {
      this(heap, staged, new IntArray(2 * staged.getSize() / TransferKernels.PIECE));
    }

    /** Pieces that one run can bring. */
    int pieces() {
      return staged.getSize() / TransferKernels.PIECE;
    }

    /** Puts the {@code run}-th lot of pieces into the staging array. */
    void stage(List<Heap.Range> pieces, int run) {
      long width = heap.getElementSize();
      for (int i = 0; i < pieces(); i++) {
        int at = run * pieces() + i;
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

    /** A work item for each word. */
    WorkerGrid1D grid() {
      WorkerGrid1D grid = new WorkerGrid1D(staged.getSize());
      grid.setLocalWork(TransferKernels.PIECE, 1, 1);
      return grid;
    }

    void clear() {
      for (int i = 0; i < table.getSize(); i++) {
        table.set(i, 0);
      }
    }
  }

  /**
   * The graph of few words, which takes the heaps when it first runs; it consumes {@code landed},
   * so that those after it can.
   */
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
    grids.addWorkerGrid(GRAPH + ".floats", floats.grid());
    grids.addWorkerGrid(GRAPH + ".ints", ints.grid());
    grids.addWorkerGrid(GRAPH + ".halves", halves.grid());
    Task6<KernelContext, FloatArray, IntArray, FloatArray, Float, Float> toFloats =
        TransferKernels::uploadFloats;
    Task6<KernelContext, IntArray, IntArray, IntArray, Float, Float> toInts =
        TransferKernels::uploadInts;
    Task6<KernelContext, ShortArray, IntArray, ShortArray, Float, Float> toHalves =
        TransferKernels::uploadHalves;
    if (panels != null) {
      addPanels(graph, panels, grids);
    }
    Object[] heaps = heaps().toArray();
    return graph
        .task("floats", toFloats, context, floats.staged(), floats.table(), floats(), 0f, 0f)
        .task("ints", toInts, context, ints.staged(), ints.table(), ints(), 0f, 0f)
        .task("halves", toHalves, context, halves.staged(), halves.table(), halves(), 0f, 0f)
        .persistOnDevice(resident().toArray())
        .transferToHost(DataTransferMode.UNDER_DEMAND, heaps);
  }

  /** Gives panels a place on the device, and a task, without which TornadoVM makes none. */
  private static void addPanels(TaskGraph graph, Panels panels, GridScheduler grids) {
    Task6<KernelContext, FloatArray, FloatArray, FloatArray, Float, Float> keep =
        TransferKernels::keepPanels;
    WorkerGrid1D grid = new WorkerGrid1D(TransferKernels.PIECE);
    grid.setLocalWork(TransferKernels.PIECE, 1, 1);
    grids.addWorkerGrid(GRAPH + ".panels", grid);
    graph
        .transferToDevice(DataTransferMode.FIRST_EXECUTION, panels.all().toArray())
        .task("panels", keep, new KernelContext(), panels.a(), panels.b(), panels.out(), 0f, 0f);
  }

  /**
   * The graph of many floats.
   *
   * @param consumed all that is on the device
   */
  TaskGraph manyFloats(Object[] consumed, GridScheduler grids) {
    KernelContext context = new KernelContext();
    Task6<KernelContext, FloatArray, IntArray, FloatArray, Float, Float> toFloats =
        TransferKernels::uploadFloats;
    FloatArray staged = manyFloats.staged();
    IntArray table = manyFloats.table();
    grids.addWorkerGrid(MANY + ".move", manyFloats.grid());
    return new TaskGraph(MANY)
        .consumeFromDevice(GRAPH, consumed)
        .transferToDevice(DataTransferMode.EVERY_EXECUTION, staged, table)
        .task("move", toFloats, context, staged, table, floats(), 0f, 0f);
  }

  /**
   * Brings ranges of the host's heaps to the device.
   *
   * @param runFew runs the graph of few words, as often as it takes
   * @param runMany runs that of many floats
   * @return words that were brought
   */
  long bring(
      List<Heap.Range> floatRanges,
      List<Heap.Range> intRanges,
      List<Heap.Range> halfRanges,
      Runnable runFew,
      Runnable runMany) {
    List<Heap.Range> floatPieces = pieces(floatRanges);
    List<Heap.Range> intPieces = pieces(intRanges);
    List<Heap.Range> halfPieces = pieces(halfRanges);
    boolean isMany = floatPieces.size() > floats.pieces();
    if (isMany) {
      for (int lot = 0; lot < Math.ceilDiv(floatPieces.size(), manyFloats.pieces()); lot++) {
        manyFloats.stage(floatPieces, lot);
        runMany.run();
      }
    }
    List<Heap.Range> fewFloats = isMany ? List.of() : floatPieces;
    int most = Math.max(fewFloats.size(), Math.max(intPieces.size(), halfPieces.size()));
    for (int lot = 0; lot < Math.ceilDiv(most, floats.pieces()); lot++) {
      floats.stage(fewFloats, lot);
      ints.stage(intPieces, lot);
      halves.stage(halfPieces, lot);
      runFew.run();
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

package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.device.Storage;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * All programs of a device as the task graphs of one execution plan: only within a plan do graphs
 * share what lies on the device. The first graph brings what the host wrote; the others are the
 * programs. A new program means a new plan, made when it is first run.
 */
final class TaskGraphs implements AutoCloseable {
  private static final String UPLOAD = "upload";

  /** Words that one run of the upload graph can bring, for each type. */
  private static final int STAGED = 1 << 16;

  /** Tasks of one graph: TornadoVM keeps a graph's description in 8 KiB, about 45 bytes a task. */
  private static final int MOST_TASKS = 128;

  private static final int PIECES = STAGED / TransferKernels.PIECE;

  private final FloatArray floats;
  private final IntArray ints;
  private final @Nullable TornadoDevice device;
  private final FloatArray stagedFloats = new FloatArray(STAGED);
  private final IntArray floatTable = new IntArray(2 * PIECES);
  private final IntArray stagedInts = new IntArray(STAGED);
  private final IntArray intTable = new IntArray(2 * PIECES);
  private final List<Graphs> programs = new ArrayList<>();
  private @Nullable TornadoExecutionPlan plan;
  private @Nullable TornadoExecutionResult lastResult;
  private boolean isStale = true;
  private Traffic traffic = Traffic.NONE;

  /** No program yet, on heaps that are arrays of TornadoVM; null is its default device. */
  TaskGraphs(FloatArray floats, IntArray ints, @Nullable TornadoDevice device) {
    this.floats = floats;
    this.ints = ints;
    this.device = device;
  }

  /** A program: its launches, and where its task graphs stand in the plan. */
  static final class Graphs {
    private final List<Launch> launches;
    private List<Storage> results;
    private boolean planned;
    private int first;
    private int count;

    private Graphs(List<Launch> launches, List<Storage> written) {
      this.launches = launches;
      this.results = written;
    }

    /** Intermediate results die when recording ends, the others with what the program is for. */
    private boolean isNeeded() {
      if (planned) {
        return results.stream().allMatch(Storage::isAlive);
      }
      planned = true;
      results = results.stream().filter(Storage::isAlive).toList();
      return !results.isEmpty();
    }
  }

  /**
   * Adds a program.
   *
   * @param written what it writes; once one of its results was closed, the next plan is without it
   */
  Graphs add(List<Launch> launches, List<Storage> written) {
    Graphs program = new Graphs(launches, written);
    programs.add(program);
    isStale = true;
    return program;
  }

  /** Whether the next run makes a new plan, which takes everything from the host's heaps. */
  boolean isStale() {
    return isStale;
  }

  /** Makes a plan of all programs; the device then holds what the host's heaps hold. */
  void plan() {
    close();
    List<ImmutableTaskGraph> graphs = new ArrayList<>();
    GridScheduler grids = new GridScheduler();
    graphs.add(uploadGraph(grids).snapshot());
    programs.removeIf(program -> !program.isNeeded());
    for (Graphs program : programs) {
      program.first = graphs.size();
      List<Launch> launches = program.launches;
      for (int at = 0; at < launches.size(); at += MOST_TASKS) {
        List<Launch> part = launches.subList(at, Math.min(launches.size(), at + MOST_TASKS));
        graphs.add(programGraph("program" + graphs.size(), part, grids).snapshot());
      }
      program.count = graphs.size() - program.first;
    }
    TornadoExecutionPlan made =
        new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new))
            .withGridScheduler(grids);
    plan = device == null ? made : made.withDevice(device);
    isStale = false;
    traffic = traffic.planned();
    lastResult = plan.withGraph(0).execute();
  }

  private TaskGraph uploadGraph(GridScheduler grids) {
    KernelContext context = new KernelContext();
    grids.addWorkerGrid(UPLOAD + ".floats", grid(PIECES, TransferKernels.PIECE));
    grids.addWorkerGrid(UPLOAD + ".ints", grid(PIECES, TransferKernels.PIECE));
    return new TaskGraph(UPLOAD)
        .transferToDevice(DataTransferMode.FIRST_EXECUTION, floats, ints)
        .transferToDevice(
            DataTransferMode.EVERY_EXECUTION, stagedFloats, floatTable, stagedInts, intTable)
        .task(
            "floats",
            TransferKernels::uploadFloats,
            context,
            stagedFloats,
            floatTable,
            floats,
            0f,
            0f)
        .task("ints", TransferKernels::uploadInts, context, stagedInts, intTable, ints, 0f, 0f)
        .persistOnDevice(floats, ints)
        .transferToHost(DataTransferMode.UNDER_DEMAND, floats, ints);
  }

  private TaskGraph programGraph(String name, List<Launch> launches, GridScheduler grids) {
    KernelContext context = new KernelContext();
    TaskGraph graph = new TaskGraph(name).consumeFromDevice(UPLOAD, floats, ints);
    for (int i = 0; i < launches.size(); i++) {
      Launch launch = launches.get(i);
      IntArray args = IntArray.fromArray(launch.args());
      String task = "k" + i;
      grids.addWorkerGrid(name + "." + task, grid(launch.groups(), launch.size()));
      graph
          .transferToDevice(DataTransferMode.FIRST_EXECUTION, args)
          .task(task, launch.body(), context, floats, ints, args, launch.a(), launch.b());
    }
    return graph.persistOnDevice(floats, ints);
  }

  private static WorkerGrid1D grid(int groups, int size) {
    WorkerGrid1D grid = new WorkerGrid1D(Math.multiplyExact(groups, size));
    grid.setLocalWork(size, 1, 1);
    return grid;
  }

  /** Brings ranges of the host's heaps to the device. */
  void upload(List<Heap.Range> floatRanges, List<Heap.Range> intRanges) {
    List<Heap.Range> floatPieces = pieces(floatRanges);
    List<Heap.Range> intPieces = pieces(intRanges);
    int runs = Math.ceilDiv(Math.max(floatPieces.size(), intPieces.size()), PIECES);
    for (int run = 0; run < runs; run++) {
      stage(floatPieces, run, floats, stagedFloats, floatTable);
      stage(intPieces, run, ints, stagedInts, intTable);
      lastResult = requirePlan().withGraph(0).execute();
    }
    traffic = traffic.toDevice(words(floatPieces) + words(intPieces));
    clear(floatTable);
    clear(intTable);
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

  private static void stage(
      List<Heap.Range> pieces,
      int run,
      TornadoNativeArray heap,
      TornadoNativeArray staged,
      IntArray table) {
    for (int i = 0; i < PIECES; i++) {
      int at = run * PIECES + i;
      Heap.Range piece = at < pieces.size() ? pieces.get(at) : new Heap.Range(0, 0);
      table.set(2 * i, piece.start());
      table.set(2 * i + 1, piece.end() - piece.start());
      staged
          .getSegment()
          .asSlice((long) i * TransferKernels.PIECE * Heap.WORD)
          .copyFrom(
              heap.getSegment()
                  .asSlice(
                      (long) piece.start() * Heap.WORD,
                      (long) (piece.end() - piece.start()) * Heap.WORD));
    }
  }

  private static void clear(IntArray table) {
    for (int i = 0; i < table.getSize(); i++) {
      table.set(i, 0);
    }
  }

  /** Runs a program. */
  void run(Graphs program) {
    for (int i = 0; i < program.count; i++) {
      lastResult = requirePlan().withGraph(program.first + i).execute();
    }
  }

  /** Brings words of a heap back to the host. */
  void download(TornadoNativeArray heap, int start, int words) {
    if (words > 0 && lastResult != null) {
      lastResult.transferToHost(new DataRange(heap).withOffset(start).withSize(words));
      traffic = traffic.toHost(words);
    }
  }

  /** What moved between host and device so far. */
  Traffic traffic() {
    return traffic;
  }

  private TornadoExecutionPlan requirePlan() {
    if (plan == null) {
      throw new IllegalStateException("no program was planned yet");
    }
    return plan;
  }

  @Override
  public void close() {
    if (plan != null) {
      try {
        plan.close();
      } catch (TornadoExecutionPlanException failure) {
        throw new IllegalStateException("TornadoVM could not close its plan", failure);
      } finally {
        plan = null;
        lastResult = null;
      }
    }
  }
}

package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task6;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
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

  /**
   * The name of every graph of a program. TornadoVM keeps compiled code by the names of graph and
   * task, so that tasks of one kernel that have the same name in several graphs share their code.
   */
  private static final String PROGRAM = "program";

  /**
   * Tasks of one graph: the more, the fewer times the host waits, and the more often a kernel that
   * occurs twice in a graph is compiled.
   */
  private static final int MOST_TASKS = 32;

  private static final int UNUSED = 64;

  private static final int PIECES = STAGED / TransferKernels.PIECE;

  private final @Nullable TornadoDevice device;
  private final Staging<FloatArray> floats;
  private final Staging<IntArray> ints;
  private Staging<ShortArray> halves;
  private final List<Graphs> programs = new ArrayList<>();
  private @Nullable TornadoExecutionPlan plan;
  private @Nullable TornadoExecutionResult lastResult;
  private GridScheduler uploadGrids = new GridScheduler();
  private final Map<Kernel, Integer> kernels = new HashMap<>();
  private boolean isStale = true;
  private Traffic traffic = Traffic.NONE;

  /** No program yet, on heaps that are arrays of TornadoVM; null is its default device. */
  TaskGraphs(FloatArray floats, IntArray ints, @Nullable TornadoDevice device) {
    this.floats = new Staging<>(floats, new FloatArray(STAGED));
    this.ints = new Staging<>(ints, new IntArray(STAGED));
    // Kernels take all three heaps, used or not.
    this.halves = new Staging<>(new ShortArray(UNUSED), new ShortArray(STAGED));
    this.device = device;
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

  /** From now on there are numbers of 16 bits, in this heap. */
  void keepHalvesIn(ShortArray heap) {
    halves = new Staging<>(heap, halves.staged());
    isStale = true;
  }

  /** A task graph of a program: its place in the plan, and how its tasks are cut. */
  private record Part(int index, GridScheduler grids) {}

  /** A program: its launches, and where its task graphs stand in the plan. */
  static final class Graphs {
    private final List<Launch> launches;
    private List<Storage> results;
    private boolean planned;
    private final List<Part> parts = new ArrayList<>();

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
    uploadGrids = new GridScheduler();
    graphs.add(uploadGraph(uploadGrids).snapshot());
    programs.removeIf(program -> !program.isNeeded());
    for (Graphs program : programs) {
      program.parts.clear();
      List<Launch> launches = program.launches;
      for (int at = 0; at < launches.size(); at += MOST_TASKS) {
        List<Launch> part = launches.subList(at, Math.min(launches.size(), at + MOST_TASKS));
        GridScheduler partGrids = new GridScheduler();
        program.parts.add(new Part(graphs.size(), partGrids));
        graphs.add(programGraph(part, partGrids).snapshot());
      }
    }
    TornadoExecutionPlan made = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new));
    plan = device == null ? made : made.withDevice(device);
    isStale = false;
    traffic = traffic.planned();
    lastResult = execute(0, uploadGrids);
  }

  private TaskGraph uploadGraph(GridScheduler grids) {
    KernelContext context = new KernelContext();
    TaskGraph graph = new TaskGraph(UPLOAD);
    for (Staging<?> part : List.of(floats, ints, halves)) {
      graph
          .transferToDevice(DataTransferMode.FIRST_EXECUTION, part.heap())
          .transferToDevice(DataTransferMode.EVERY_EXECUTION, part.staged(), part.table());
    }
    for (String task : List.of("floats", "ints", "halves")) {
      grids.addWorkerGrid(UPLOAD + "." + task, grid(PIECES, TransferKernels.PIECE));
    }
    Task6<KernelContext, FloatArray, IntArray, FloatArray, Float, Float> toFloats =
        TransferKernels::uploadFloats;
    Task6<KernelContext, IntArray, IntArray, IntArray, Float, Float> toInts =
        TransferKernels::uploadInts;
    Task6<KernelContext, ShortArray, IntArray, ShortArray, Float, Float> toHalves =
        TransferKernels::uploadHalves;
    return graph
        .task("floats", toFloats, context, floats.staged(), floats.table(), floats.heap(), 0f, 0f)
        .task("ints", toInts, context, ints.staged(), ints.table(), ints.heap(), 0f, 0f)
        .task("halves", toHalves, context, halves.staged(), halves.table(), halves.heap(), 0f, 0f)
        .persistOnDevice(floats.heap(), ints.heap(), halves.heap())
        .transferToHost(DataTransferMode.UNDER_DEMAND, floats.heap(), ints.heap(), halves.heap());
  }

  /** What TornadoVM compiles: the Java code and the numbers passed to it. */
  private record Kernel(Class<?> body, float a, float b) {}

  /** A task's name: its kernel, and how often that occurred in the graph before. */
  private String taskName(Launch launch, Map<Kernel, Integer> occurrences) {
    Kernel kernel = new Kernel(launch.body().getClass(), launch.a(), launch.b());
    int number = kernels.computeIfAbsent(kernel, _ -> kernels.size());
    return "k%dx%d".formatted(number, occurrences.merge(kernel, 1, Integer::sum));
  }

  private TaskGraph programGraph(List<Launch> launches, GridScheduler grids) {
    KernelContext context = new KernelContext();
    FloatArray floatHeap = floats.heap();
    IntArray intHeap = ints.heap();
    ShortArray halfHeap = halves.heap();
    TaskGraph graph =
        new TaskGraph(PROGRAM).consumeFromDevice(UPLOAD, floatHeap, intHeap, halfHeap);
    Map<Kernel, Integer> occurrences = new HashMap<>();
    for (Launch launch : launches) {
      IntArray args = IntArray.fromArray(launch.args());
      String task = taskName(launch, occurrences);
      grids.addWorkerGrid(PROGRAM + "." + task, grid(launch.groups(), launch.size()));
      graph
          .transferToDevice(DataTransferMode.FIRST_EXECUTION, args)
          .task(
              task,
              launch.body(),
              context,
              floatHeap,
              intHeap,
              halfHeap,
              args,
              launch.a(),
              launch.b());
    }
    // Not persisted: the heaps stay because they are consumed, and a graph frees what it persists.
    return graph;
  }

  private static WorkerGrid1D grid(int groups, int size) {
    WorkerGrid1D grid = new WorkerGrid1D(Math.multiplyExact(groups, size));
    grid.setLocalWork(size, 1, 1);
    return grid;
  }

  /** Brings ranges of the host's heaps to the device. */
  void upload(
      List<Heap.Range> floatRanges, List<Heap.Range> intRanges, List<Heap.Range> halfRanges) {
    List<Heap.Range> floatPieces = pieces(floatRanges);
    List<Heap.Range> intPieces = pieces(intRanges);
    List<Heap.Range> halfPieces = pieces(halfRanges);
    int most = Math.max(floatPieces.size(), Math.max(intPieces.size(), halfPieces.size()));
    for (int run = 0; run < Math.ceilDiv(most, PIECES); run++) {
      floats.stage(floatPieces, run);
      ints.stage(intPieces, run);
      halves.stage(halfPieces, run);
      lastResult = execute(0, uploadGrids);
    }
    traffic = traffic.toDevice(words(floatPieces) + words(intPieces) + words(halfPieces));
    List.of(floats, ints, halves).forEach(Staging::clear);
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

  /** Runs a program. */
  void run(Graphs program) {
    for (Part part : program.parts) {
      lastResult = execute(part.index(), part.grids());
    }
  }

  private TornadoExecutionResult execute(int graph, GridScheduler grids) {
    return requirePlan().withGraph(graph).withGridScheduler(grids).execute();
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
        // All graphs: a plan closes those alone that are selected, which is the last one run.
        plan.withAllGraphs().close();
      } catch (TornadoExecutionPlanException failure) {
        throw new IllegalStateException("TornadoVM could not close its plan", failure);
      } finally {
        plan = null;
        lastResult = null;
      }
    }
  }
}

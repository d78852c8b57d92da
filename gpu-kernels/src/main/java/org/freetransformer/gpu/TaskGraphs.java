package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
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
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * All programs of a device as the task graphs of one execution plan: only within a plan do graphs
 * share what lies on the device. The first graph brings what the host wrote; the others are the
 * programs. A new program means a new plan, made when it is first run.
 */
final class TaskGraphs implements AutoCloseable {
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

  private final @Nullable TornadoDevice device;
  private final Uploads uploads;
  private final Landing landing;
  private final List<Graphs> programs = new ArrayList<>();
  private @Nullable TornadoExecutionPlan plan;
  private @Nullable TornadoExecutionResult lastResult;
  private GridScheduler uploadGrids = new GridScheduler();
  private @Nullable LandingArea area;
  private @Nullable Part move;
  private final Map<Kernel, Integer> kernels = new HashMap<>();
  private boolean isStale = true;
  private Traffic traffic = Traffic.NONE;

  /** No program yet, on heaps that are arrays of TornadoVM; null is its default device. */
  TaskGraphs(FloatArray floats, IntArray ints, @Nullable TornadoDevice device) {
    this.uploads = new Uploads(floats, ints);
    this.device = device;
    this.landing = new Landing(device);
  }

  /** What goes to the device while it computes. */
  Landing landing() {
    return landing;
  }

  /** From now on there are numbers of 16 bits, in this heap. */
  void keepHalvesIn(ShortArray heap) {
    uploads.keepHalvesIn(heap);
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
    closePlan();
    LandingArea newArea = landing.newArea();
    Object[] landed = newArea == null ? new Object[0] : newArea.arrays();
    List<ImmutableTaskGraph> graphs = new ArrayList<>();
    uploadGrids = new GridScheduler();
    graphs.add(uploads.graph(landed, uploadGrids).snapshot());
    if (newArea != null) {
      GridScheduler grids = new GridScheduler();
      move = new Part(graphs.size(), grids);
      graphs.add(
          newArea
              .moving(Uploads.GRAPH, uploads.floats(), uploads.ints(), shared(landed), grids)
              .snapshot());
    }
    programs.removeIf(program -> !program.isNeeded());
    for (Graphs program : programs) {
      program.parts.clear();
      List<Launch> launches = program.launches;
      for (int at = 0; at < launches.size(); at += MOST_TASKS) {
        List<Launch> part = launches.subList(at, Math.min(launches.size(), at + MOST_TASKS));
        GridScheduler partGrids = new GridScheduler();
        program.parts.add(new Part(graphs.size(), partGrids));
        graphs.add(programGraph(part, shared(landed), partGrids).snapshot());
      }
    }
    GridScheduler copyGrids = new GridScheduler();
    if (newArea != null) {
      graphs.add(newArea.copying(copyGrids).snapshot());
    }
    TornadoExecutionPlan made = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new));
    plan = device == null ? made : made.withDevice(device);
    isStale = false;
    traffic = traffic.planned();
    if (newArea != null) {
      // Once in this plan, whose graphs then know where the words will be.
      int copying = graphs.size() - 1;
      landing.start(newArea, graphs.getLast(), copyGrids, () -> execute(copying, copyGrids));
      area = newArea;
    }
    lastResult = execute(0, uploadGrids);
  }

  /** Moves what landed and was taken since the last program into the heaps. */
  void moveLanded() {
    Landing.Load load = landing.taken();
    if (load != null && area != null && move != null) {
      area.aim(load);
      lastResult = execute(move.index(), move.grids());
      traffic = traffic.ahead(load.floatWords() + load.intWords());
      landing.moved();
    }
  }

  /** What TornadoVM compiles: the Java code and the numbers passed to it. */
  private record Kernel(Class<?> body, float a, float b) {}

  /** A task's name: its kernel, and how often that occurred in the graph before. */
  private String taskName(Launch launch, Map<Kernel, Integer> occurrences) {
    Kernel kernel = new Kernel(launch.body().getClass(), launch.a(), launch.b());
    int number = kernels.computeIfAbsent(kernel, _ -> kernels.size());
    return "k%dx%d".formatted(number, occurrences.merge(kernel, 1, Integer::sum));
  }

  /**
   * What every graph must consume, whether it uses it or not: a graph takes over from the one that
   * ran before it, and what that one lacks is lost.
   */
  private Object[] shared(Object[] landed) {
    return Stream.concat(uploads.heaps().stream(), Arrays.stream(landed)).toArray();
  }

  private TaskGraph programGraph(List<Launch> launches, Object[] shared, GridScheduler grids) {
    KernelContext context = new KernelContext();
    TaskGraph graph = new TaskGraph(PROGRAM).consumeFromDevice(Uploads.GRAPH, shared);
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
              uploads.floats(),
              uploads.ints(),
              uploads.halves(),
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
    traffic =
        traffic.toDevice(
            uploads.bring(
                floatRanges, intRanges, halfRanges, () -> lastResult = execute(0, uploadGrids)));
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
    closePlan();
    landing.close();
  }

  private void closePlan() {
    landing.stop();
    area = null;
    move = null;
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

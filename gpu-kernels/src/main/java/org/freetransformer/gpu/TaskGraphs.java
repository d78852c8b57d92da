package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.tensor.device.Storage;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * All programs of a device as the task graphs of one execution plan: only within a plan do graphs
 * share what lies on the device. The first graph brings what the host wrote; the others are the
 * programs. A new program means a new plan, made when it is first run; if it can, it takes over the
 * graphs of the one before, compiled as they are.
 */
final class TaskGraphs implements AutoCloseable {
  /** A launch that has no element to fill. */
  private static final Launch NOTHING =
      Launch.perGroup(ElementwiseKernels::fillFloats, 1, new Args().add(0), 0, 0);

  /** Places in every plan. */
  private static final int UPLOAD = 0;

  private static final int MARK = 1;
  private static final int MANY_FLOATS = 2;
  private static final int MOVE = 3;

  private final Uploads uploads;
  private final Landing landing;
  private final LaunchGraphs launchGraphs;
  private final Plans plans;
  private final List<Graphs> programs = new ArrayList<>();

  /** What every plan begins with: the uploads, the mark, and the move where words land. */
  private final List<Plans.Part> shared = new ArrayList<>();

  private @Nullable LandingArea area;

  /** Graphs in open plans whose programs are no longer needed. */
  private int abandoned;

  private boolean isStale = true;
  private boolean isOfOtherHeaps = true;
  private Traffic traffic = Traffic.NONE;

  /** No program yet, on heaps that are arrays of TornadoVM; null is its default device. */
  TaskGraphs(FloatArray floats, IntArray ints, @Nullable TornadoDevice device) {
    this.uploads = new Uploads(floats, ints);
    this.landing = new Landing(device);
    this.launchGraphs = new LaunchGraphs(uploads);
    this.plans = new Plans(device);
  }

  /** What goes to the device while it computes. */
  Landing landing() {
    return landing;
  }

  /** From now on there are numbers of 16 bits, in this heap. */
  void keepHalvesIn(ShortArray heap) {
    uploads.keepHalvesIn(heap);
    isStale = true;
    isOfOtherHeaps = true;
  }

  /** From now on there are panels, of so many numbers. */
  void needPanels(int words) {
    if (uploads.panels() == null) {
      uploads.keep(Panels.of(words));
      isStale = true;
      isOfOtherHeaps = true;
    }
  }

  /** A program: its steps, its task graphs, and where the first of them stands in the plan. */
  static final class Graphs {
    private final List<? extends Step> steps;
    private List<Storage> results;
    private boolean planned;
    private final List<Plans.Part> parts = new ArrayList<>();
    private int first;

    private Graphs(List<? extends Step> steps, List<Storage> written) {
      this.steps = steps;
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
  Graphs add(List<? extends Step> steps, List<Storage> written) {
    Graphs program = new Graphs(steps, written);
    programs.add(program);
    isStale = true;
    return program;
  }

  /** Whether the next run needs a new plan. */
  boolean isStale() {
    return isStale;
  }

  /**
   * Makes a plan of the last one's graphs and those of new programs. What is on the device stays
   * there, and what was compiled is not compiled again.
   *
   * @return false if nothing was done: there is no plan, or its graphs lack an array, or too many
   *     of them are no longer needed
   */
  boolean extend() {
    dropUnneeded();
    boolean isWorthIt = abandoned <= graphsOf(programs);
    if (plans.isEmpty() || isOfOtherHeaps || !landing.hasRoom() || !isWorthIt) {
      return false;
    }
    plans.add(graphs());
    begin();
    return true;
  }

  /** Makes a plan of all programs; the device then holds what the host's heaps hold. */
  void plan() {
    dropUnneeded();
    closePlans();
    area = landing.newArea();
    GridScheduler uploadGrids = new GridScheduler();
    shared.add(new Plans.Part(uploads.graph(landed(), uploadGrids).snapshot(), uploadGrids));
    shared.addAll(launchGraphs.of(List.of(NOTHING), consumed()));
    GridScheduler manyGrids = new GridScheduler();
    shared.add(new Plans.Part(uploads.manyFloats(consumed(), manyGrids).snapshot(), manyGrids));
    isOfOtherHeaps = false;
    if (area == null) {
      plans.add(graphs());
    } else {
      GridScheduler moveGrids = new GridScheduler();
      TaskGraph moving = area.moving(uploads.floats(), uploads.ints(), consumed(), moveGrids);
      shared.add(new Plans.Part(moving.snapshot(), moveGrids));
      GridScheduler copyGrids = new GridScheduler();
      ImmutableTaskGraph copying = area.copying(copyGrids).snapshot();
      List<ImmutableTaskGraph> graphs = graphs();
      int place = graphs.size();
      graphs.add(copying);
      plans.add(graphs);
      // Once in this plan, whose graphs then know where the words will be.
      landing.start(area, copying, copyGrids, () -> plans.execute(place, copyGrids));
    }
    begin();
  }

  private void dropUnneeded() {
    List<Graphs> unneeded = programs.stream().filter(program -> !program.isNeeded()).toList();
    abandoned += graphsOf(unneeded);
    programs.removeAll(unneeded);
  }

  private static int graphsOf(List<Graphs> some) {
    return some.stream().mapToInt(program -> program.parts.size()).sum();
  }

  /** A new plan's graphs; those of programs that have none yet are made. */
  private List<ImmutableTaskGraph> graphs() {
    List<ImmutableTaskGraph> graphs = new ArrayList<>();
    shared.forEach(part -> graphs.add(part.graph()));
    for (Graphs program : programs) {
      program.first = graphs.size();
      if (program.parts.isEmpty()) {
        program.parts.addAll(launchGraphs.of(program.steps, consumed()));
      }
      program.parts.forEach(part -> graphs.add(part.graph()));
    }
    return graphs;
  }

  /** Runs the plan's first graph, from which the others take over what is on the device. */
  private void begin() {
    isStale = false;
    traffic = traffic.planned();
    runShared(UPLOAD);
  }

  /** Moves what landed and was taken since the last program into the heaps. */
  void moveLanded() {
    Landing.Load load = landing.taken();
    if (load != null && area != null) {
      area.aim(load);
      runShared(MOVE);
      traffic = traffic.ahead(load.floatWords() + load.intWords());
      landing.moved();
    }
  }

  private Object[] landed() {
    return area == null ? new Object[0] : area.arrays();
  }

  /**
   * What every graph must consume, whether it uses it or not: a graph takes over from the one that
   * ran before it, and what that one lacks is lost.
   */
  private Object[] consumed() {
    return Stream.concat(uploads.resident().stream(), Arrays.stream(landed())).toArray();
  }

  /** Brings ranges of the host's heaps to the device. */
  void upload(
      List<Heap.Range> floatRanges, List<Heap.Range> intRanges, List<Heap.Range> halfRanges) {
    traffic =
        traffic.toDevice(
            uploads.bring(
                floatRanges,
                intRanges,
                halfRanges,
                () -> runShared(UPLOAD),
                () -> runShared(MANY_FLOATS)));
  }

  private void runShared(int place) {
    plans.execute(place, shared.get(place).grids());
  }

  /**
   * Runs a program of the plan.
   *
   * @throws IllegalStateException if the plan is without it, since a result of it was closed
   */
  void run(Graphs program) {
    if (!programs.contains(program)) { // Another program's graphs may stand in its place.
      throw new IllegalStateException(
          "use after free: a result of this program was closed, and the device forgot the program");
    }
    for (int i = 0; i < program.parts.size(); i++) {
      plans.execute(program.first + i, program.parts.get(i).grids());
    }
  }

  /** Brings words of a heap back to the host. */
  void download(TornadoNativeArray heap, int start, int words) {
    TornadoExecutionResult lastResult = plans.lastResult();
    if (words > 0 && lastResult != null) {
      lastResult.transferToHost(new DataRange(heap).withOffset(start).withSize(words));
      traffic = traffic.toHost(words);
    }
  }

  /** What moved between host and device so far. */
  Traffic traffic() {
    return traffic;
  }

  @Override
  public void close() {
    try {
      closePlans();
    } finally {
      landing.close();
    }
  }

  private void closePlans() {
    landing.stop();
    if (!plans.isEmpty()) {
      plans.close(MARK, shared.get(MARK).grids());
    }
    area = null;
    shared.clear();
    programs.forEach(program -> program.parts.clear());
    abandoned = 0;
  }
}

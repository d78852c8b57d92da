package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Makes task graphs of launches. TornadoVM compiles a task, and keeps its code by the names of
 * graph and task: so all graphs have one name, and a task is named after its kernel and how often
 * that occurred in the graph before. Thus graphs of a plan share their code.
 */
final class LaunchGraphs {
  private static final String NAME = "program";

  /**
   * Tasks of one graph: the more, the fewer times the host waits, and the more often a kernel that
   * occurs twice in a graph is compiled.
   */
  private static final int MOST_TASKS = 32;

  private final Uploads uploads;
  private final Map<Kernel, Integer> numbers = new HashMap<>();

  /** Graphs on the heaps that {@code uploads} brings to the device. */
  LaunchGraphs(Uploads uploads) {
    this.uploads = uploads;
  }

  /**
   * What TornadoVM compiles: the Java code and the numbers passed to it. It compiles nothing for a
   * library's task, which yet needs a name.
   */
  private record Kernel(Class<?> body, float a, float b) {}

  /**
   * Makes graphs that do steps one after the other.
   *
   * @param consumed all that is on the device
   */
  List<Plans.Part> of(List<? extends Step> steps, Object[] consumed) {
    List<Plans.Part> parts = new ArrayList<>();
    for (int at = 0; at < steps.size(); at += MOST_TASKS) {
      int end = Math.min(steps.size(), at + MOST_TASKS);
      parts.add(part(steps.subList(at, end), consumed));
    }
    return parts;
  }

  private Plans.Part part(List<? extends Step> steps, Object[] consumed) {
    GridScheduler grids = new GridScheduler();
    KernelContext context = new KernelContext();
    TaskGraph graph = new TaskGraph(NAME).consumeFromDevice(Uploads.GRAPH, consumed);
    Map<Kernel, Integer> occurrences = new HashMap<>();
    for (Step step : steps) {
      switch (step) {
        case Launch launch -> {
          String task = taskName(launch.body(), launch.a(), launch.b(), occurrences);
          grids.addWorkerGrid(NAME + "." + task, grid(launch.groups(), launch.size()));
          add(graph, task, launch, context);
        }
        case PanelLaunch launch -> {
          String task = taskName(launch.body(), launch.a(), 0, occurrences);
          int groups = Math.ceilDiv(launch.items(), Groups.SIZE);
          grids.addWorkerGrid(NAME + "." + task, grid(groups, Groups.SIZE));
          add(graph, task, launch, context);
        }
        case CuBlasProduct product ->
            graph.libraryTask(
                taskName(product, 0, 0, occurrences), product::call, uploads.requirePanels());
      }
    }
    // Not persisted: the heaps stay because they are consumed, and a graph frees what it persists.
    return new Plans.Part(graph.snapshot(), grids);
  }

  private void add(TaskGraph graph, String task, Launch launch, KernelContext context) {
    IntArray args = IntArray.fromArray(launch.args());
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

  private void add(TaskGraph graph, String task, PanelLaunch launch, KernelContext context) {
    IntArray args = IntArray.fromArray(launch.args().toArray());
    graph
        .transferToDevice(DataTransferMode.FIRST_EXECUTION, args)
        .task(
            task,
            launch.body(),
            context,
            uploads.floats(),
            uploads.requirePanels().get(launch.panel()),
            uploads.halves(),
            args,
            launch.a(),
            0f);
  }

  private String taskName(Object body, float a, float b, Map<Kernel, Integer> occurrences) {
    Kernel kernel = new Kernel(body.getClass(), a, b);
    int number = numbers.computeIfAbsent(kernel, _ -> numbers.size());
    return "k%dx%d".formatted(number, occurrences.merge(kernel, 1, Integer::sum));
  }

  private static WorkerGrid1D grid(int groups, int size) {
    WorkerGrid1D grid = new WorkerGrid1D(Math.multiplyExact(groups, size));
    grid.setLocalWork(size, 1, 1);
    return grid;
  }
}

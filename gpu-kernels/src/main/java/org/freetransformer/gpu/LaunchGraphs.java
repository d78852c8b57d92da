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
  private final Map<Compiled, Integer> numbers = new HashMap<>();

  /** Graphs on the heaps that {@code uploads} brings to the device. */
  LaunchGraphs(Uploads uploads) {
    this.uploads = uploads;
  }

  /**
   * What TornadoVM compiles: the Java code and the numbers passed to it. It compiles nothing for a
   * library's task, which yet needs a name.
   */
  private record Compiled(Class<?> body, float a, float b) {}

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
    Tasks tasks = new Tasks(consumed);
    for (Step step : steps) {
      switch (step) {
        case Launch launch -> tasks.add(launch, uploads.ints());
        case PanelLaunch launch -> tasks.add(launch, uploads.requirePanels().get(launch.panel()));
        case CuBlasProduct product -> tasks.add(product);
      }
    }
    // Not persisted: the heaps stay because they are consumed, and a graph frees what it persists.
    return new Plans.Part(tasks.graph.snapshot(), tasks.grids);
  }

  /** The tasks of one graph. */
  private final class Tasks {
    private final GridScheduler grids = new GridScheduler();
    private final KernelContext context = new KernelContext();
    private final Map<Compiled, Integer> occurrences = new HashMap<>();
    private final TaskGraph graph;

    Tasks(Object[] consumed) {
      this.graph = new TaskGraph(NAME).consumeFromDevice(Uploads.GRAPH, consumed);
    }

    /** A kernel, with what it takes as its second array. */
    <T> void add(KernelCall<T> call, T second) {
      String task = taskName(call.body(), call.a(), call.b(), occurrences);
      grids.addWorkerGrid(NAME + "." + task, grid(call));
      IntArray args = IntArray.fromArray(call.args());
      graph
          .transferToDevice(DataTransferMode.FIRST_EXECUTION, args)
          .task(
              task,
              call.body(),
              context,
              uploads.floats(),
              second,
              uploads.halves(),
              args,
              call.a(),
              call.b());
    }

    /** A library's product. */
    void add(CuBlasProduct product) {
      String task = taskName(product, 0, 0, occurrences);
      graph.libraryTask(task, product::call, uploads.requirePanels());
    }
  }

  private String taskName(Object body, float a, float b, Map<Compiled, Integer> occurrences) {
    Compiled kernel = new Compiled(body.getClass(), a, b);
    int number = numbers.computeIfAbsent(kernel, _ -> numbers.size());
    return "k%dx%d".formatted(number, occurrences.merge(kernel, 1, Integer::sum));
  }

  private static WorkerGrid1D grid(KernelCall<?> call) {
    WorkerGrid1D grid = new WorkerGrid1D(Math.multiplyExact(call.groups(), call.size()));
    grid.setLocalWork(call.size(), 1, 1);
    return grid;
  }
}

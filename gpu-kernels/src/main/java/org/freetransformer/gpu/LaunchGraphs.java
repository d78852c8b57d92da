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

  /** What TornadoVM compiles: the Java code and the numbers passed to it. */
  private record Kernel(Class<?> body, float a, float b) {}

  /**
   * Makes graphs that do launches one after the other.
   *
   * @param consumed all that is on the device
   */
  List<Plans.Part> of(List<Launch> launches, Object[] consumed) {
    List<Plans.Part> parts = new ArrayList<>();
    for (int at = 0; at < launches.size(); at += MOST_TASKS) {
      int end = Math.min(launches.size(), at + MOST_TASKS);
      parts.add(part(launches.subList(at, end), consumed));
    }
    return parts;
  }

  private Plans.Part part(List<Launch> launches, Object[] consumed) {
    GridScheduler grids = new GridScheduler();
    KernelContext context = new KernelContext();
    TaskGraph graph = new TaskGraph(NAME).consumeFromDevice(Uploads.GRAPH, consumed);
    Map<Kernel, Integer> occurrences = new HashMap<>();
    for (Launch launch : launches) {
      IntArray args = IntArray.fromArray(launch.args());
      String task = taskName(launch, occurrences);
      grids.addWorkerGrid(NAME + "." + task, grid(launch.groups(), launch.size()));
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
    return new Plans.Part(graph.snapshot(), grids);
  }

  private String taskName(Launch launch, Map<Kernel, Integer> occurrences) {
    Kernel kernel = new Kernel(launch.body().getClass(), launch.a(), launch.b());
    int number = numbers.computeIfAbsent(kernel, _ -> numbers.size());
    return "k%dx%d".formatted(number, occurrences.merge(kernel, 1, Integer::sum));
  }

  private static WorkerGrid1D grid(int groups, int size) {
    WorkerGrid1D grid = new WorkerGrid1D(Math.multiplyExact(groups, size));
    grid.setLocalWork(size, 1, 1);
    return grid;
  }
}

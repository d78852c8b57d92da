package uk.ac.manchester.tornado.api;

import java.util.List;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;

/** Task graphs that share a device's memory. */
public class TornadoExecutionPlan implements AutoCloseable {
  private final List<ImmutableTaskGraph> graphs;
  private final DeviceMemory memory;
  private GridScheduler grids = new GridScheduler();
  private int selected;

  /** A plan of these graphs; with one of another plan's it shares that plan's memory. */
  public TornadoExecutionPlan(ImmutableTaskGraph... graphs) {
    this.graphs = List.of(graphs);
    this.memory =
        this.graphs.stream()
            .flatMap(graph -> graph.memory().stream())
            .findFirst()
            .orElseGet(DeviceMemory::new);
    this.graphs.forEach(graph -> graph.enter(memory));
  }

  /** How tasks are cut into work groups. */
  public TornadoExecutionPlan withGridScheduler(GridScheduler scheduler) {
    grids = scheduler;
    return this;
  }

  /** There is but one device here. */
  public TornadoExecutionPlan withDevice(TornadoDevice device) {
    return this;
  }

  /** The next execution is of this graph. */
  public TornadoExecutionPlan withGraph(int index) {
    selected = index;
    return this;
  }

  /** What follows is of all graphs. */
  public TornadoExecutionPlan withAllGraphs() {
    return this;
  }

  /** Runs the selected graph. */
  public TornadoExecutionResult execute() {
    graphs.get(selected).run(memory, grids);
    return new TornadoExecutionResult(memory);
  }

  @Override
  public void close() throws TornadoExecutionPlanException {}
}

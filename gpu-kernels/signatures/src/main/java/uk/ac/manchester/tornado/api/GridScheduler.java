package uk.ac.manchester.tornado.api;

import java.util.HashMap;
import java.util.Map;

/** The grids of tasks, by "graph.task". */
public class GridScheduler {
  private final Map<String, WorkerGrid1D> grids = new HashMap<>();

  /** No grid yet. */
  public GridScheduler() {}

  /** Sets the grid of a task. */
  public void addWorkerGrid(String taskName, WorkerGrid workerGrid) {
    grids.put(taskName, (WorkerGrid1D) workerGrid);
  }

  WorkerGrid1D grid(String taskName) {
    WorkerGrid1D grid = grids.get(taskName);
    if (grid == null) {
      throw new IllegalStateException("no grid was given for task " + taskName);
    }
    return grid;
  }
}

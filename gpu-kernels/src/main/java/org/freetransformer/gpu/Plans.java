package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;

/**
 * A device's execution plans, of which the last one runs. A plan's graphs are fixed, so a new graph
 * needs a new plan; but a graph may be in several, and keeps its compiled code, and what it has on
 * the device, while all of them are open. So a new plan takes the graphs of the one before, which
 * stays open.
 */
final class Plans {
  /** A task graph, and how its tasks are cut. */
  record Part(ImmutableTaskGraph graph, GridScheduler grids) {}

  private final @Nullable TornadoDevice device;
  private final List<TornadoExecutionPlan> open = new ArrayList<>();
  private @Nullable TornadoExecutionResult lastResult;

  /** None yet; null is TornadoVM's default device. */
  Plans(@Nullable TornadoDevice device) {
    this.device = device;
  }

  /** Whether there is none. */
  boolean isEmpty() {
    return open.isEmpty();
  }

  /**
   * Makes a plan, which runs from now on.
   *
   * @param graphs its own; if there was a plan before, the first to run must be one of that, too:
   *     graphs take over what is on the device from the one that ran before
   */
  void add(List<ImmutableTaskGraph> graphs) {
    TornadoExecutionPlan made = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new));
    open.add(device == null ? made : made.withDevice(device));
  }

  /** Runs a graph of the last plan. */
  void execute(int graph, GridScheduler grids) {
    if (open.isEmpty()) {
      throw new IllegalStateException("no program was planned yet");
    }
    lastResult = open.getLast().withGraph(graph).withGridScheduler(grids).execute();
  }

  /** What the last run left on the device; null before the first. */
  @Nullable TornadoExecutionResult lastResult() {
    return lastResult;
  }

  /**
   * Frees all that their graphs have on the device. There may be new plans afterwards.
   *
   * @param mark a graph that is in all of them and does nothing: TornadoVM drops the code and
   *     queues of the plan in which a graph ran last when it frees the graph
   * @param grids of that graph
   */
  void close(int mark, GridScheduler grids) {
    lastResult = null;
    if (open.isEmpty()) {
      return;
    }
    TornadoExecutionPlan last = open.removeLast();
    while (!open.isEmpty()) {
      TornadoExecutionPlan older = open.removeLast();
      older.withGraph(mark).withGridScheduler(grids).execute();
      closeSelected(older);
    }
    close(last);
  }

  /** All of a plan's graphs: it closes those alone that are selected, which is the last one run. */
  static void close(TornadoExecutionPlan plan) {
    closeSelected(plan.withAllGraphs());
  }

  private static void closeSelected(TornadoExecutionPlan plan) {
    try {
      plan.close();
    } catch (TornadoExecutionPlanException failure) {
      throw new IllegalStateException("TornadoVM could not close a plan", failure);
    }
  }
}

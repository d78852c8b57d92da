package org.freetransformer.gpu;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/**
 * Words that go to the device while it computes. A second execution plan, on a thread of its own,
 * copies them into arrays of the device; a task graph of the first plan then moves them into the
 * heaps, before the program that needs them. One load is there or on its way at a time, and one
 * more may wait until that was moved.
 *
 * <p>Whatever is not on its way when it is needed goes as any other write: before the first plan,
 * when a load is larger than the area, or was put aside for a later one.
 */
final class Landing implements AutoCloseable {
  /** Words for consecutive places of a heap. */
  record Piece(int place, MemorySegment source) {
    int words() {
      return Math.toIntExact(source.byteSize() / Float.BYTES);
    }
  }

  /** Words that are brought together, each type one piece behind the other. */
  record Load(List<Piece> floats, List<Piece> ints) {
    int floatWords() {
      return floats.stream().mapToInt(Piece::words).sum();
    }

    int intWords() {
      return ints.stream().mapToInt(Piece::words).sum();
    }
  }

  private final @Nullable TornadoDevice device;

  /** Command queues belong to a thread, so that every copy must be made by the same one. */
  private final ExecutorService copier =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("device-copies").factory());

  private int mostFloats;
  private int mostInts;
  private @Nullable LandingArea area;
  private @Nullable TornadoExecutionPlan plan;
  private GridScheduler grids = new GridScheduler();
  private @Nullable Load current;
  private Future<?> copy = CompletableFuture.completedFuture(null);
  private @Nullable Load waiting;
  private boolean taken;

  /** Nothing lands before {@link #start}; null is TornadoVM's default device. */
  Landing(@Nullable TornadoDevice device) {
    this.device = device;
  }

  /** Whether there is room for the largest load so far. */
  synchronized boolean hasRoom() {
    return area == null ? mostFloats + mostInts == 0 : area.hasRoomFor(mostFloats, mostInts);
  }

  /** With room for the largest load so far; null if there was none. */
  synchronized @Nullable LandingArea newArea() {
    return mostFloats + mostInts == 0 ? null : new LandingArea(mostFloats, mostInts);
  }

  /**
   * From now on words land there.
   *
   * @param copying the graph that copies them
   * @param handingOver runs that graph in the first plan
   */
  void start(
      LandingArea newArea,
      ImmutableTaskGraph copying,
      GridScheduler newGrids,
      Runnable handingOver) {
    TornadoExecutionPlan made = new TornadoExecutionPlan(copying);
    TornadoExecutionPlan placed = device == null ? made : made.withDevice(device);
    // First here: a graph keeps the list of arguments of the plan that first ran it, and with the
    // first plan's, which that uses for all its kernels, two threads would write to one list.
    await(copier.submit(() -> copy(placed, newGrids)));
    handingOver.run();
    synchronized (this) {
      area = newArea;
      plan = placed;
      grids = newGrids;
    }
  }

  private static void copy(TornadoExecutionPlan plan, GridScheduler grids) {
    // With a graph: the plan itself would keep a list of all that ran.
    plan.withGraph(0).withGridScheduler(grids).execute();
  }

  /** Begins with a load; any thread may call this. */
  synchronized void begin(Load load) {
    mostFloats = Math.max(mostFloats, load.floatWords());
    mostInts = Math.max(mostInts, load.intWords());
    if (area != null && area.hasRoomFor(load)) {
      if (taken) {
        waiting = load;
      } else {
        submit(load);
      }
    }
  }

  private void submit(Load load) {
    LandingArea to = area;
    TornadoExecutionPlan copying = plan;
    GridScheduler with = grids;
    if (to != null && copying != null) {
      current = load;
      copy =
          copier.submit(() -> {
            to.fill(load);
            copy(copying, with);
          });
    }
  }

  /**
   * Whether a load is on the device, waiting for it if it is on its way. It is then to be moved
   * before the next program, and no other load lands until it was.
   */
  @SuppressWarnings("ReferenceEquality") // Two loads of the same words are two loads.
  boolean take(Load load) {
    Future<?> begun;
    synchronized (this) {
      if (load == waiting) {
        waiting = null;
      }
      if (load != current || taken) {
        return false;
      }
      taken = true;
      begun = copy;
    }
    try {
      await(begun);
    } catch (IllegalStateException failure) {
      next();
      throw failure;
    }
    return true;
  }

  /** The load that is to be moved into the heaps, or null. */
  synchronized @Nullable Load taken() {
    return taken ? current : null;
  }

  /** The load was moved: the next may land. */
  synchronized void moved() {
    next();
  }

  private synchronized void next() {
    Load next = waiting;
    current = null;
    waiting = null;
    taken = false;
    if (next != null) {
      submit(next);
    }
  }

  /** Waits for what is on its way, and forgets it. */
  void stop() {
    TornadoExecutionPlan old;
    GridScheduler oldGrids;
    synchronized (this) {
      old = plan;
      oldGrids = grids;
      plan = null;
      area = null; // So that no load begins.
      current = null;
      waiting = null;
      taken = false;
    }
    if (old != null) {
      await(
          copier.submit(() -> {
            copy(
                old, oldGrids); // TornadoVM frees queues and code of the plan in which it ran last.
            Plans.close(old);
          }));
    }
  }

  private static void await(Future<?> copy) {
    try {
      copy.get();
    } catch (ExecutionException failure) {
      throw new IllegalStateException("could not copy to the device", failure.getCause());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while copying to the device", interrupted);
    }
  }

  @Override
  public void close() {
    try {
      stop();
    } finally {
      copier.shutdown();
    }
  }
}

package uk.ac.manchester.tornado.api;

import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.LibraryTask1;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task6;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task7;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Tasks, and what goes to the device before them. */
public class TaskGraph {
  /** A task: its body, given the context of an item and the arrays as they are on the device. */
  @FunctionalInterface
  interface Body {
    void run(KernelContext context, DeviceMemory memory);
  }

  /** What happens at a task's turn: its body for all items of its grid, or a library's call. */
  @FunctionalInterface
  interface Task {
    void run(DeviceMemory memory, GridScheduler grids);
  }

  record Transfer(boolean always, TornadoNativeArray array) {}

  private final String name;
  private final List<Transfer> transfers = new ArrayList<>();
  private final List<Task> tasks = new ArrayList<>();

  /** An empty graph. */
  public TaskGraph(String name) {
    this.name = name;
  }

  /** Copies arrays to the device, at the first execution or at each. */
  public TaskGraph transferToDevice(int mode, Object... objects) {
    for (Object object : objects) {
      boolean always = mode == DataTransferMode.EVERY_EXECUTION;
      transfers.add(new Transfer(always, (TornadoNativeArray) object));
    }
    return this;
  }

  /** Takes arrays as an earlier graph of the plan left them on the device. */
  public TaskGraph consumeFromDevice(String uniqueTaskGraphName, Object... objects) {
    return this;
  }

  /** Leaves arrays on the device. */
  public TaskGraph persistOnDevice(Object... objects) {
    return this;
  }

  /** Arrays that the host may ask for. */
  public TaskGraph transferToHost(int mode, Object... objects) {
    return this;
  }

  /** Adds a task. */
  @SuppressWarnings("unchecked") // The context and the arrays are of the types that they replace.
  public <T1, T2, T3, T4, T5, T6> TaskGraph task(
      String id,
      Task6<T1, T2, T3, T4, T5, T6> code,
      T1 arg1,
      T2 arg2,
      T3 arg3,
      T4 arg4,
      T5 arg5,
      T6 arg6) {
    Body body =
        (context, memory) ->
            code.apply(
                (T1) context,
                memory.onDevice(arg2),
                memory.onDevice(arg3),
                memory.onDevice(arg4),
                arg5,
                arg6);
    tasks.add(kernel(name + "." + id, body));
    return this;
  }

  /** Adds a task. */
  @SuppressWarnings("unchecked") // The context and the arrays are of the types that they replace.
  public <T1, T2, T3, T4, T5, T6, T7> TaskGraph task(
      String id,
      Task7<T1, T2, T3, T4, T5, T6, T7> code,
      T1 arg1,
      T2 arg2,
      T3 arg3,
      T4 arg4,
      T5 arg5,
      T6 arg6,
      T7 arg7) {
    Body body =
        (context, memory) ->
            code.apply(
                (T1) context,
                memory.onDevice(arg2),
                memory.onDevice(arg3),
                memory.onDevice(arg4),
                memory.onDevice(arg5),
                arg6,
                arg7);
    tasks.add(kernel(name + "." + id, body));
    return this;
  }

  private static Task kernel(String task, Body body) {
    return (memory, grids) -> {
      WorkerGrid1D grid = grids.grid(task);
      WorkGroup.runAll(grid.groups(), grid.groupSize(), context -> body.run(context, memory));
    };
  }

  /** Adds a call of a library. */
  public <T1> TaskGraph libraryTask(String id, LibraryTask1<T1> code, T1 arg1) {
    LibraryTaskDescriptor call = code.apply(arg1);
    tasks.add((memory, _) -> Libraries.call(call, memory));
    return this;
  }

  /** The graph as it stands. */
  public ImmutableTaskGraph snapshot() {
    return new ImmutableTaskGraph(List.copyOf(transfers), List.copyOf(tasks));
  }
}

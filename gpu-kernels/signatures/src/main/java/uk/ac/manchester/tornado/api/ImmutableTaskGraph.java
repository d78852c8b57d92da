package uk.ac.manchester.tornado.api;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TaskGraph.Task;
import uk.ac.manchester.tornado.api.TaskGraph.Transfer;

/** A task graph that changes no more. */
public class ImmutableTaskGraph {
  private final List<Transfer> transfers;
  private final List<Task> tasks;
  private @Nullable DeviceMemory plansMemory;

  ImmutableTaskGraph(List<Transfer> transfers, List<Task> tasks) {
    this.transfers = transfers;
    this.tasks = tasks;
  }

  /** Of the plans that it is in, if it is in any. */
  Optional<DeviceMemory> memory() {
    return Optional.ofNullable(plansMemory);
  }

  void enter(DeviceMemory memory) {
    plansMemory = memory;
  }

  void run(DeviceMemory memory, GridScheduler grids) {
    for (Transfer transfer : transfers) {
      memory.transferToDevice(transfer.array(), transfer.always());
    }
    tasks.forEach(task -> task.run(memory, grids));
  }
}

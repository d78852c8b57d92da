package org.freetransformer.gpu;

import java.util.Collections;
import java.util.List;
import java.util.function.BiFunction;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Ceiling;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Storage;
import org.freetransformer.tensor.memory.OffHeapStorage;

/** What a device can do at best: multiply-adds in registers, and copies. */
final class GpuCeiling implements Ceiling {
  /** Work items of one launch of multiply-adds, each with a number of its own. */
  private static final int MOST_ITEMS = 1 << 22;

  /** Rounds of an item in one launch: 137 GFLOP with as many items. */
  private static final int MOST_ROUNDS = 64;

  private final Heaps heaps;
  private final boolean inRounds;
  private final BiFunction<List<Launch>, Storage, Kernel> onDevice;

  /**
   * Of a device.
   *
   * @param inRounds whether a work item may compute again and again, so that a GPU has more to do
   *     in a launch than to begin with it; a processor's compiler makes vectors of what has no loop
   * @param onDevice makes launches that write a storage ready to run
   */
  GpuCeiling(Heaps heaps, boolean inRounds, BiFunction<List<Launch>, Storage, Kernel> onDevice) {
    this.heaps = heaps;
    this.inRounds = inRounds;
    this.onDevice = onDevice;
  }

  @Override
  public Kernel arithmetic(double flops) {
    double items = Math.max(1, flops / CeilingKernels.FLOPS);
    int rounds = inRounds ? (int) Math.min(Math.ceil(items / MOST_ITEMS), MOST_ROUNDS) : 1;
    int launches = (int) Math.ceil(items / rounds / MOST_ITEMS);
    int each = (int) Math.ceil(items / rounds / launches);
    // Whole groups: an item more than there are numbers would write elsewhere.
    Storage out = floats(Math.ceilDiv(each, Groups.SIZE) * Groups.SIZE);
    Args args = new Args().add(place(out), rounds);
    Launch launch =
        inRounds
            ? Launch.perItem(CeilingKernels::roundsOfMultiplyAdds, each, args, 0.5, 0.5)
            : Launch.perItem(CeilingKernels::multiplyAdds, each, args, 0.5, 0.5);
    return onDevice.apply(Collections.nCopies(launches, launch), out);
  }

  @Override
  public Kernel copy(long bytes) {
    int words = Groups.SIZE * CeilingKernels.WORDS;
    int groups = Math.toIntExact(Math.ceilDiv(bytes / 2, (long) Float.BYTES * words));
    Storage in = floats(groups * words);
    Storage out = floats(groups * words);
    Args args = new Args().add(place(in), place(out));
    Launch launch = Launch.perGroup(CeilingKernels::copy, groups, args, 0, 0);
    return onDevice.apply(List.of(launch), out);
  }

  private Storage floats(int words) {
    return heaps.allocate((long) Float.BYTES * words, DType.F32, "ceiling");
  }

  private int place(Storage storage) {
    return heaps.floats().place(((OffHeapStorage) storage).segment());
  }
}

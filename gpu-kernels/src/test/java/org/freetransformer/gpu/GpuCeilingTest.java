package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.memory.MemoryPool;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** Which launches measure what a device can do. */
class GpuCeilingTest {
  /** Multiply-adds of a training step, two operations each. */
  private static final double STEP = 2e11;

  /** Enough for the items of one launch. */
  private static final long MEMORY = 32L << 20;

  private static List<Launch> launches(double flops, boolean inRounds) {
    List<Launch> launches = new ArrayList<>();
    try (Arena arena = Arena.ofShared();
        MemoryPool pool = new MemoryPool()) {
      Heaps heaps = new Heaps(arena, MEMORY, pool);
      new GpuCeiling(
              heaps,
              inRounds,
              (made, _) -> {
                launches.addAll(made);
                return () -> {};
              })
          .arithmetic(flops);
    }
    return launches;
  }

  private static double flops(List<Launch> launches) {
    return launches.stream()
        .mapToDouble(one -> (double) one.groups() * one.size() * one.args()[1])
        .map(rounds -> rounds * CeilingKernels.FLOPS)
        .sum();
  }

  @Test
  void aGpuHasMoreToDoThanToBegin() {
    assertThat(launches(STEP, false)).hasSize(94);
    assertThat(launches(STEP, true)).hasSize(2);
    assertThat(launches(1e9, true)).hasSize(1);
  }

  /** Limits are of so many operations, and not of many more. */
  @Test
  void asMuchIsComputedAsWasAsked() {
    for (double asked : new double[] {1e6, 1e9, 3e9, STEP}) {
      for (boolean inRounds : new boolean[] {false, true}) {
        assertThat(flops(launches(asked, inRounds))).isBetween(asked, 1.04 * asked);
      }
    }
  }

  /** With x = 1 · x + 1 the multiply-adds of one sum are counted: 32 in a round. */
  @Test
  void eachRoundComputesAsMuchAsAnItemWithout() {
    assumeFalse(TornadoVm.isReal(), "kernels run on a device");
    FloatArray floats = new FloatArray(1);
    IntArray args = IntArray.fromArray(new int[] {0, 3});
    IntArray ints = new IntArray(1);
    ShortArray halves = new ShortArray(1);
    KernelContext first = new KernelContext();
    floats.set(0, 5);
    CeilingKernels.multiplyAdds(first, floats, ints, halves, args, 1, 1);
    assertThat(floats.get(0)).as("5 + 0 to 5 + 7, each and 32").isEqualTo(5 + 3.5f + 32);
    floats.set(0, 5);
    CeilingKernels.roundsOfMultiplyAdds(first, floats, ints, halves, args, 1, 1);
    assertThat(floats.get(0)).isEqualTo(5 + 3.5f + 3 * 32);
  }
}

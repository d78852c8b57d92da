package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** Copies that fail. */
class LandingTest {
  /** Whether the device is one that copies nothing. */
  private static volatile boolean broken;

  private static void copy(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    if (broken) {
      throw new UnsupportedOperationException("broken");
    }
  }

  private static Landing.Load load(float value) {
    MemorySegment source = MemorySegment.ofArray(new float[] {value});
    return new Landing.Load(List.of(new Landing.Piece(0, source)), List.of());
  }

  private static void start(Landing landing) {
    GridScheduler grids = new GridScheduler();
    WorkerGrid1D one = new WorkerGrid1D(1);
    one.setLocalWork(1, 1, 1);
    grids.addWorkerGrid("copies.one", one);
    FloatArray floats = new FloatArray(1);
    IntArray ints = new IntArray(1);
    ShortArray halves = new ShortArray(1);
    TaskGraph graph =
        new TaskGraph("copies")
            .transferToDevice(DataTransferMode.FIRST_EXECUTION, floats, ints, halves)
            .task(
                "one", LandingTest::copy, new KernelContext(), floats, ints, halves, ints, 0f, 0f);
    landing.start(new LandingArea(8, 8), graph.snapshot(), grids, () -> {});
  }

  @Test
  void whatDidNotLandIsNotMoved() {
    assumeFalse(TornadoVm.isReal(), "a device copies");
    try (Landing landing = new Landing(null)) {
      broken = false;
      start(landing);
      broken = true;
      Landing.Load lost = load(1);
      landing.begin(lost);
      assertThatThrownBy(() -> landing.take(lost))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("could not copy to the device");
      assertThat(landing.taken()).isNull();
      broken = false;
      Landing.Load next = load(2);
      landing.begin(next);
      assertThat(landing.take(next)).isTrue();
      assertThat(landing.taken()).isSameAs(next);
    } finally {
      broken = false;
    }
  }
}

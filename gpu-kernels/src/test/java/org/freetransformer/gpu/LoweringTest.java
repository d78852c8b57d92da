package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.gpu.AbsentBuffers.buffer;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Instruction.Affine;
import org.freetransformer.tensor.device.Instruction.Copy;
import org.freetransformer.tensor.device.Output;
import org.junit.jupiter.api.Test;

/** Which kernels an instruction becomes. */
class LoweringTest {
  private final Buffer floats = buffer(DType.F32, 3, 5);
  private final Buffer halves = buffer(DType.BF16, 3, 5);

  private static List<? extends Step> steps(Instruction instruction) {
    TensorCores noCores = TensorCores.all("in this test");
    CuBlas noLibrary = CuBlas.not("in this test");
    return new Lowering(_ -> 0, _ -> 0, _ -> 0, _ -> 0, noCores, noLibrary, 0, () -> {})
        .steps(instruction);
  }

  private static Class<?> kernel(Step step) {
    return ((Launch) step).body().getClass();
  }

  /** Code is kept by that class, and every other class of the same kernel is compiled again. */
  @Test
  void castsAreOneKernelWhoeverWantsThem() {
    List<? extends Step> steps = steps(new Affine(halves, 2, 0, Output.to(halves)));
    assertThat(steps).hasSize(3);
    Step widened = steps(new Copy(halves, Output.to(floats))).getFirst();
    Step rounded = steps(new Copy(floats, Output.to(halves))).getFirst();
    assertThat(kernel(widened)).isEqualTo(kernel(steps.getFirst()));
    assertThat(kernel(rounded)).isEqualTo(kernel(steps.getLast()));
    assertThat(kernel(rounded)).isNotEqualTo(kernel(widened));
  }
}

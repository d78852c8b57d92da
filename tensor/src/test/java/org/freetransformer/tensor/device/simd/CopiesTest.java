package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CopiesTest {
  /** Of 2^18 numbers on, whole vectors are cleared by a loop of vectors; 0 to 15 are left over. */
  @ParameterizedTest
  @ValueSource(ints = {1, 100_003, 262_143, 262_144, 262_155, 400_001})
  void clearsAllOfATensorAndNothingElse(int size) {
    try (Engine engine = Engine.on(new SimdDevice(2, ColdKernels.none()));
        Scope _ = engine.scope("test")) {
      Tensor whole = engine.full(DType.F32, Shape.of(size + 20), 7);
      Tensor part = whole.narrow(0, 3, size);
      engine.emit(new Instruction.Fill(part.buffer(), 0));
      float[] expected = new float[size + 20];
      Arrays.fill(expected, 0, 3, 7);
      Arrays.fill(expected, size + 3, size + 20, 7);
      assertThat(whole.toFloats()).isEqualTo(expected);
    }
  }
}

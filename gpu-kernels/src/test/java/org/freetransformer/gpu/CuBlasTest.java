package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.freetransformer.gpu.AbsentBuffers.buffer;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Output;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which products go to cuBLAS, on which devices, and in which pieces. */
class CuBlasTest {
  private static final CuBlas USED = CuBlas.not("");
  private static final int WORDS = 16 << 20;

  @AfterEach
  void unset() {
    System.clearProperty(CuBlas.PROPERTY);
  }

  // ---- Devices ----

  @Test
  void onlyTheCudaBackendWithItsModuleHasIt() {
    assertThat(CuBlas.choose("cuda", true, () -> null).description())
        .isEqualTo("other large products by cuBLAS");
    assertThat(CuBlas.choose("cuda", false, () -> null).description())
        .isEqualTo(
            "other large products by the plain kernel (TornadoVM's SDK has no module"
                + " tornado.cublas)");
    assertThat(CuBlas.choose("opencl", true, () -> null).description())
        .isEqualTo(
            "other large products by the plain kernel (TornadoVM's opencl backend has no cuBLAS)");
  }

  @Test
  void aFailedTrialLeavesAllToThePlainKernel() {
    CuBlas tried = CuBlas.choose("cuda", true, () -> "a trial gave 1 instead of 2");
    assertThat(tried.whyNot()).isEqualTo("a trial gave 1 instead of 2");
    assertThat(tried.takes(product(DType.F32, 1024, 1024, 1024), WORDS)).isFalse();
  }

  @Test
  void itCanBeSwitchedOff() {
    System.setProperty(CuBlas.PROPERTY, "off");
    assertThat(
            CuBlas.choose(
                    "cuda",
                    true,
                    () -> {
                      throw new AssertionError("no trial");
                    })
                .whyNot())
        .isEqualTo("-Dft.gpu.cublas=off");
    System.setProperty(CuBlas.PROPERTY, "maybe");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CuBlas.choose("cuda", true, () -> null))
        .withMessage("-Dft.gpu.cublas=maybe: allowed are on and off");
  }

  @Test
  void theTrialPassesWithTheLibrarysMeaningInJava() {
    assumeFalse(TornadoVm.isReal(), "kernels run on a device");
    TensorCores none = TensorCores.all("in this test");
    ProductTrial onJava =
        new ProductTrial(
            () -> onJava(none, CuBlas.not("to compare with")), () -> onJava(none, CuBlas.always()));
    assertThat(onJava.problem(DType.F32)).isNull();
  }

  private static TornadoVmDevice onJava(TensorCores tensorCores, CuBlas cuBlas) {
    return new TornadoVmDevice("java", null, 1, ProductTrial.MEMORY, tensorCores, cuBlas);
  }

  // ---- Products ----

  private static MatMul product(DType type, int m, int n, int k) {
    return new MatMul(
        buffer(type, m, k), buffer(type, k, n), 1, Output.to(buffer(DType.F32, m, n)));
  }

  @Test
  void smallOrDeepProductsStay() {
    assertThat(USED.takes(product(DType.F32, 256, 256, 256), WORDS)).isTrue();
    assertThat(USED.takes(product(DType.F16, 256, 256, 256), WORDS)).isTrue();
    assertThat(USED.takes(product(DType.F32, 256, 256, 255), WORDS)).isFalse();
    assertThat(USED.takes(product(DType.F32, 63, 4096, 4096), WORDS)).isFalse();
    assertThat(USED.takes(product(DType.F32, 64, 64, WORDS / 64), WORDS)).isTrue();
    assertThat(USED.takes(product(DType.F32, 64, 64, WORDS / 64 + 1), WORDS)).isFalse();
    assertThat(USED.takes(product(DType.F32, 256, 256, 0), WORDS)).isFalse();
  }

  /** Panels have a share of the device's memory each, up to 64 MiB. */
  @Test
  void panelsAreBounded() {
    assertThat(USED.panelWords(1 << 20)).isEqualTo(1 << 16);
    assertThat(USED.panelWords(1L << 40)).isEqualTo(WORDS);
  }

  @Test
  void tensorCoresComeFirst() {
    assertThat(steps(product(DType.BF16, 256, 256, 256), TensorCores.all(""), USED, WORDS))
        .hasOnlyElementsOfType(Launch.class);
    assertThat(steps(product(DType.F32, 256, 256, 256), TensorCores.all(""), USED, WORDS))
        .hasAtLeastOneElementOfType(CuBlasProduct.class);
  }

  /** Panels of 256 × 128: two pieces of the rows, each with two of the columns. */
  @Test
  void aLargeProductIsComputedInPieces() {
    List<? extends Step> steps =
        steps(product(DType.F32, 300, 200, 128), TensorCores.all("none"), USED, 256 * 128);
    List<String> products = new ArrayList<>();
    for (Step step : steps) {
      if (step instanceof CuBlasProduct part) {
        products.add("%d × %d × %d".formatted(part.m(), part.n(), part.k()));
      }
    }
    assertThat(products)
        .containsExactly("256 × 128 × 128", "256 × 72 × 128", "44 × 128 × 128", "44 × 72 × 128");
    assertThat(steps).as("A twice, and B and the result four times").hasSize(2 + 3 * 4);
  }

  /** Each way to compute a product counts its matrices, and none of them in 3 dimensions. */
  @Test
  void threeBatchDimensionsAreRefusedEachWay() {
    TensorCores none = TensorCores.all("none");
    CuBlas not = CuBlas.not("not");
    assertRefused(() -> steps(squares(DType.F32, 2, 2, 2, 64, 64), none, not, WORDS));
    assertRefused(() -> steps(squares(DType.F32, 2, 2, 2, 64, 64), none, USED, WORDS));
    assertRefused(
        () -> steps(squares(DType.BF16, 2, 2, 2, 64, 64), TensorCores.all(""), not, WORDS));
    assertThat(steps(squares(DType.F32, 2, 2, 64, 64), none, USED, WORDS))
        .as("A, B, product and result of 4 matrices")
        .hasSize(4 * 4);
  }

  private static void assertRefused(ThrowingCallable lowering) {
    assertThatThrownBy(lowering)
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("at most 2 batch dimensions");
  }

  /** Of square matrices. */
  private static MatMul squares(DType type, int... dims) {
    Layout square = Layout.contiguous(Shape.of(dims));
    Buffer out = buffer(DType.F32, square);
    return new MatMul(buffer(type, square), buffer(type, square), 1, Output.to(out));
  }

  private static List<? extends Step> steps(
      MatMul op, TensorCores tensorCores, CuBlas cuBlas, int panelWords) {
    // Of 300 × 200 × 128, which is less than such a product needs to be.
    CuBlas any = new CuBlas(cuBlas.whyNot(), 0, panelWords);
    return new Lowering(_ -> 0, _ -> 0, _ -> 0, _ -> 0, tensorCores, any, panelWords, () -> {})
        .steps(op);
  }
}

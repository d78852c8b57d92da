package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.freetransformer.gpu.AbsentBuffers.buffer;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Output;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which products go to tensor cores, on which devices, and what a trial there finds out. */
class TensorCoresTest {
  private static final TensorCores ALL = TensorCores.all("");

  @AfterEach
  void unset() {
    System.clearProperty(TensorCores.PROPERTY);
  }

  // ---- Devices ----

  @Test
  void onlyNvidiasBackendsHaveThem() {
    assertThat(chosen("cuda")).isEqualTo("bf16 and fp16 products on tensor cores");
    assertThat(chosen("ptx"))
        .isEqualTo(
            "bf16 products by the plain kernel (TornadoVM's ptx backend has no instructions for"
                + " them), fp16 products on tensor cores");
    assertThat(chosen("opencl"))
        .isEqualTo(
            "bf16 and fp16 products by the plain kernel (TornadoVM's opencl backend has no"
                + " instructions for them)");
  }

  private static String chosen(String backend) {
    return TensorCores.choose(backend, _ -> null).description();
  }

  @Test
  void aFailedTrialLeavesAllToThePlainKernel() {
    TensorCores tried =
        TensorCores.choose("cuda", type -> type == DType.BF16 ? "a trial gave 1 for 2" : null);
    assertThat(tried.description())
        .isEqualTo(
            "bf16 products by the plain kernel (a trial gave 1 for 2), fp16 products on tensor"
                + " cores");
    MatMul bf16 = product(DType.BF16, DType.BF16, DType.F32, 128, 128, 128);
    assertThat(launches(bf16, tried)).as("tiles of 64 × 64").containsExactly("4 × 256");
    MatMul fp16 = product(DType.F16, DType.F16, DType.F32, 128, 128, 128);
    assertThat(launches(fp16, tried)).as("tiles of 128 × 128").containsExactly("1 × 256");
  }

  @Test
  void theyCanBeSwitchedOff() {
    System.setProperty(TensorCores.PROPERTY, "off");
    assertThat(chosen("cuda"))
        .isEqualTo("bf16 and fp16 products by the plain kernel (-Dft.gpu.tensorcores=off)");
    System.setProperty(TensorCores.PROPERTY, "maybe");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> chosen("cuda"))
        .withMessage("-Dft.gpu.tensorcores=maybe: allowed are on and off");
  }

  // ---- The trial ----

  /** A device that computes the trial's products on the host, and is out by so much. */
  private static Device host(float error) {
    Device scalar = Devices.scalar();
    return (Device)
        Proxy.newProxyInstance(
            Device.class.getClassLoader(),
            new Class<?>[] {Device.class},
            (_, method, args) -> {
              try {
                Object result = method.invoke(scalar, args);
                if (method.getName().equals("read")) {
                  MemorySegment target = (MemorySegment) Objects.requireNonNull(args)[2];
                  float right = target.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0);
                  target.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 0, right + error);
                }
                return result;
              } catch (InvocationTargetException failure) {
                throw failure.getCause();
              }
            });
  }

  private static ProductTrial trial(Supplier<Device> tensorCores) {
    return new ProductTrial(() -> host(0), tensorCores);
  }

  @Test
  void theTrialComparesNumbers() {
    assertThat(trial(() -> host(0)).problem(DType.BF16)).isNull();
    assertThat(trial(() -> host(0.01f)).problem(DType.F16)).startsWith("a trial gave ");
    assertThat(trial(() -> host(Float.NaN)).problem(DType.BF16)).startsWith("a trial gave NaN");
  }

  @Test
  void theTrialMayFail() {
    ProductTrial failing =
        trial(() -> {
          throw new IllegalStateException("\u001B[31mrequires compute capability 8.0\u001B[0m");
        });
    assertThat(failing.problem(DType.BF16))
        .isEqualTo("a trial failed: requires compute capability 8.0");
  }

  @Test
  void theTrialPassesOnTheKernelsJavaBodies() {
    assumeFalse(TornadoVm.isReal(), "kernels run on a device");
    ProductTrial onJava =
        new ProductTrial(() -> onJava(TensorCores.all("to compare with")), () -> onJava(ALL));
    assertThat(onJava.problem(DType.BF16)).isNull();
    assertThat(onJava.problem(DType.F16)).isNull();
  }

  private static Device onJava(TensorCores tensorCores) {
    CuBlas none = CuBlas.not("in this test");
    return new TornadoVmDevice("java", null, 1, ProductTrial.MEMORY, tensorCores, none);
  }

  // ---- Products ----

  private static MatMul product(DType a, DType b, DType out, int m, int n, int k) {
    return new MatMul(buffer(a, m, k), buffer(b, k, n), 1, Output.to(buffer(out, m, n)));
  }

  /** Groups and their items, of each launch in order. */
  private static List<String> launches(MatMul op, TensorCores tensorCores) {
    CuBlas none = CuBlas.not("in this test");
    return new Lowering(_ -> 0, _ -> 0, _ -> 0, _ -> 0, tensorCores, none, 0, () -> {})
        .steps(op).stream()
            .map(Launch.class::cast)
            .map(launch -> "%d × %d".formatted(launch.groups(), launch.size()))
            .toList();
  }

  @Test
  void operandsAreOf16BitsOrTheFirstIsBesideBf16() {
    assertThat(ALL.takes(product(DType.BF16, DType.BF16, DType.BF16, 64, 64, 16))).isTrue();
    assertThat(ALL.takes(product(DType.F16, DType.F16, DType.F32, 64, 64, 16))).isTrue();
    assertThat(ALL.takes(product(DType.F16, DType.BF16, DType.F32, 64, 64, 16))).isFalse();
    assertThat(ALL.takes(product(DType.F32, DType.BF16, DType.F32, 64, 64, 16))).isTrue();
    assertThat(ALL.takes(product(DType.BF16, DType.F32, DType.F32, 64, 64, 16))).isFalse();
    assertThat(ALL.takes(product(DType.F32, DType.F16, DType.F32, 64, 64, 16))).isFalse();
    assertThat(ALL.takes(product(DType.F32, DType.F32, DType.F32, 64, 64, 16))).isFalse();
  }

  @Test
  void smallProductsStay() {
    assertThat(ALL.takes(product(DType.BF16, DType.BF16, DType.F32, 63, 64, 16))).isFalse();
    assertThat(ALL.takes(product(DType.BF16, DType.BF16, DType.F32, 64, 63, 16))).isFalse();
    assertThat(ALL.takes(product(DType.BF16, DType.BF16, DType.F32, 64, 64, 15))).isFalse();
  }

  @Test
  void resultsThatTilesDoNotFitAreFinishedByAnotherKernel() {
    String finish = "%d × 64".formatted(128 * 128 / 64);
    MatMul edge = product(DType.BF16, DType.BF16, DType.F32, 128, 127, 64);
    assertThat(launches(edge, ALL)).containsExactly("1 × 256", finish);
    MatMul half = product(DType.BF16, DType.BF16, DType.BF16, 128, 128, 64);
    assertThat(launches(half, ALL)).containsExactly("1 × 256", finish);
    MatMul whole = product(DType.BF16, DType.BF16, DType.F32, 128, 128, 64);
    assertThat(launches(whole, ALL)).containsExactly("1 × 256");
    MatMul scaled = new MatMul(whole.a(), whole.b(), 2, whole.out());
    assertThat(launches(scaled, ALL)).containsExactly("1 × 256", finish);
    MatMul added = new MatMul(whole.a(), whole.b(), 1, Output.addTo(whole.out().buffer()));
    assertThat(launches(added, ALL)).containsExactly("1 × 256", finish);
  }

  /** 40 × 60 tiles, of which 1024 are in scratch memory at a time. */
  @Test
  void aLargeResultIsComputedInPieces() {
    MatMul large = product(DType.BF16, DType.BF16, DType.BF16, 40 * 128, 60 * 128, 64);
    assertThat(launches(large, ALL))
        .containsExactly(
            "1024 × 256", "262144 × 64", "1024 × 256", "262144 × 64", "352 × 256", "90112 × 64");
  }

  /** In three parts, of which 48 Mi numbers have room at a time. */
  @Test
  void anF32OperandIsSplitFirst() {
    MatMul mixed = product(DType.F32, DType.BF16, DType.F32, 2 * 128, 128, 40);
    String split = "%d × 64".formatted(2 * 128 * 48 / 64);
    assertThat(launches(mixed, ALL)).containsExactly(split, "2 × 256");
    MatMul deep = product(DType.F32, DType.BF16, DType.BF16, 2 * 128, 128, 1 << 17);
    String half = "%d × 64".formatted(128 * (1 << 17) / 64);
    assertThat(launches(deep, ALL))
        .containsExactly(half, "1 × 256", "256 × 64", half, "1 × 256", "256 × 64");
  }
}

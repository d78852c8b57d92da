package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Every hot kernel must pass the JVM's first compiler with its profiling (tier 3). One that runs
 * out of C1's virtual registers there can, on a busy start, stay at tier 2 for good: no profile, so
 * never a call to C2, and a hundredth of the speed.
 */
class HotKernelsTest {
  private static final List<String> FLAGS =
      List.of("-Xbatch", "-XX:TieredStopAtLevel=3", "-XX:+PrintCompilation");
  private static final String GIVEN_UP = "out of virtual registers";

  @Test
  void allPassTierThree() throws Exception {
    List<String> log = ForkedJvm.run(FLAGS, HotKernels.class);
    for (HotKernels.Kernel kernel : HotKernels.all()) {
      assertThat(log)
          .as("tier 3 compiles %s", kernel.method())
          .filteredOn(line -> line.contains("." + kernel.method() + " "))
          .isNotEmpty()
          .noneMatch(line -> line.contains("COMPILE SKIPPED"));
    }
    assertThat(log)
        .as("helpers of the kernels")
        .filteredOn(line -> line.contains(getClass().getPackageName()))
        .noneMatch(line -> line.contains(GIVEN_UP));
  }

  @Test
  void theCheckFindsAKernelThatDoesNotPass() throws Exception {
    assertThat(ForkedJvm.run(FLAGS, HotKernels.class, "oversized"))
        .filteredOn(line -> line.contains("OversizedKernel::multiply"))
        .anyMatch(line -> line.contains(GIVEN_UP));
  }

  /**
   * An exponential looks at a float's bits, for which the JDK, until C2 compiles that, stores the
   * vector to an array of bytes. C2 must not think that a kernel's own stores go there.
   */
  @Test
  void noStoreMayGoToTheHeap() throws Exception {
    String print = "-XX:CompileCommand=PrintInlining,*Softmax.exponentialsWhole";
    List<String> flags = List.of("-Xbatch", "-XX:+UnlockDiagnosticVMOptions", print);
    assertThat(ForkedJvm.run(flags, HotKernels.class, "Softmax::exponentialsWhole"))
        .anyMatch(line -> line.contains("NativeMemorySegmentImpl::unsafeGetOffset"))
        .noneMatch(line -> line.contains("HeapMemorySegmentImpl"));
  }
}

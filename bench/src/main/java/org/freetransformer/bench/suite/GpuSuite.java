package org.freetransformer.bench.suite;

import java.util.ArrayList;
import java.util.List;

/**
 * Cases of the other suites, such as {@code gemm nt 1024x1376x512}, on a device beyond the
 * processor: matrix products, fused operations, the mapper's gradient and whole training steps. The
 * limits are the device's own, the peers PyTorch as it is and compiled, where Python has it.
 */
final class GpuSuite implements Suite {
  private static final List<String> QUICK =
      List.of(
          "gemm nt 1024x1376x512",
          "kernels attention",
          "kernels rmsnorm",
          "kernels cross-entropy",
          "kernels adamw",
          "step Llama 2.6M, B 4, T 128");

  private static final List<String> MORE =
      List.of(
          "gemm nn 1024x512x1376",
          "gemm tn 1376x512x1024",
          "gemm nn 2048x2048x512",
          "gemm nt 1x4096x4096",
          "kernels linear",
          "kernels swiglu",
          "kernels rope",
          "kernels softmax",
          "kernels embedding",
          "kernels dropout",
          "mapper full gradient, H 16",
          "step Llama 124M, B 1, T 256");

  @Override
  public String name() {
    return "gpu";
  }

  @Override
  public Peers peers() {
    return Peers.PYTORCH;
  }

  @Override
  public List<String> cases() {
    List<String> all = new ArrayList<>(QUICK);
    all.addAll(MORE);
    return all;
  }

  @Override
  public List<String> quickCases() {
    return QUICK;
  }

  /** Parameters, gradients and moments of the large model take 2 GiB alone. */
  @Override
  public List<String> options(String name) {
    return name.contains("124M") ? List.of("-Dft.gpu.memory=" + (3L << 30)) : List.of();
  }

  @Override
  public Contest open(String name, Place place) {
    for (Suite suite :
        List.of(new GemmSuite(), new KernelSuite(), new MapperSuite(), new StepSuite())) {
      String prefix = suite.name() + " ";
      if (name.startsWith(prefix)) {
        Contest contest = suite.open(name.substring(prefix.length()), place);
        return PyTorchPeers.beside(contest, name, place);
      }
    }
    throw new IllegalArgumentException("no case of suite gpu is named '%s'".formatted(name));
  }
}

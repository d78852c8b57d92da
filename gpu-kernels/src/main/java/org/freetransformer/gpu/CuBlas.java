package org.freetransformer.gpu;

import java.util.function.Supplier;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.jspecify.annotations.Nullable;

/**
 * Which products go to cuBLAS: large ones that are not {@link TensorCores}', on TornadoVM's CUDA
 * backend, if the SDK has its module for cuBLAS, nobody switched it off, and a trial gave what the
 * plain kernel gives. All others are the plain kernel's.
 *
 * @param whyNot what speaks against it; empty if nothing does
 * @param leastWork multiply-adds of a matrix, for which copies of operands and result are worth it
 * @param mostWords numbers of a panel; a larger product is computed in pieces
 */
record CuBlas(String whyNot, long leastWork, int mostWords) {
  /** System property: {@code on} if not given, or {@code off}. */
  static final String PROPERTY = "ft.gpu.cublas";

  /** TornadoVM's module, without which no library task finds the library. */
  private static final String MODULE = "tornado.cublas";

  /** 256 cubed. */
  private static final long LEAST_WORK = 1L << 24;

  /** Smaller sides leave most of a library's tile empty. */
  private static final int LEAST_SIDE = 64;

  /** A panel has room for so many rows and columns at least. */
  private static final int LEAST_PIECE = 64;

  /** 64 MiB. */
  private static final int MOST_WORDS = 16 << 20;

  /** Not for that reason. */
  static CuBlas not(String why) {
    return new CuBlas(why, LEAST_WORK, MOST_WORDS);
  }

  /** For products of any work, as in tests. */
  static CuBlas always() {
    return new CuBlas("", 0, MOST_WORDS);
  }

  /** Numbers of a panel, on a device with so many for tensors. */
  int panelWords(long words) {
    return (int) Math.min(words / 16, mostWords);
  }

  /**
   * For a device.
   *
   * @param backend {@code opencl}, {@code cuda} or another
   * @param trial what is wrong with products by the library, or null
   * @throws IllegalArgumentException if {@link #PROPERTY} is neither {@code on} nor {@code off}
   */
  static CuBlas choose(String backend, Supplier<@Nullable String> trial) {
    return choose(backend, ModuleLayer.boot().findModule(MODULE).isPresent(), trial);
  }

  static CuBlas choose(String backend, boolean isThere, Supplier<@Nullable String> trial) {
    if (!Switch.isOn(PROPERTY)) {
      return not("-D%s=off".formatted(PROPERTY));
    }
    if (!backend.equals("cuda")) {
      return not("TornadoVM's %s backend has no cuBLAS".formatted(backend));
    }
    if (!isThere) {
      return not("TornadoVM's SDK has no module %s".formatted(MODULE));
    }
    String problem = trial.get();
    return not(problem == null ? "" : problem);
  }

  /** Whether a product is one for cuBLAS, with panels of so many numbers. */
  boolean takes(MatMul op, int panelWords) {
    Buffer out = op.out().buffer();
    int m = out.dim(-2);
    int n = out.dim(-1);
    int k = op.a().dim(-1);
    return whyNot.isEmpty()
        && Math.min(m, n) >= LEAST_SIDE
        && k > 0
        && panelWords / k >= LEAST_PIECE
        && (double) m * n * k >= leastWork;
  }

  /** In one line: what computes such products, and why. */
  String description() {
    return whyNot.isEmpty()
        ? "other large products by cuBLAS"
        : "other large products by the plain kernel (%s)".formatted(whyNot);
  }
}

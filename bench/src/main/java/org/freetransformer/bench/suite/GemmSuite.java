package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.freetransformer.bench.limit.Traffic;
import org.freetransformer.bench.openblas.OpenBlas;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;

/**
 * Matrix products. A case such as {@code nt 1024x1376x512} is M×N×K, with A as it is ({@code n})
 * and B transposed ({@code t}): the products of a training step of a Llama with D 512, F 1376 and V
 * 8192 on 1024 tokens, some round numbers, some with a thin side or a small k, and one with a
 * single row, which is counted in bytes. The limit is arithmetic or memory, whichever takes longer.
 */
public final class GemmSuite implements Suite {
  private static final Pattern CASE = Pattern.compile("([nt])([nt]) (\\d+)x(\\d+)x(\\d+)");

  /** The least side of a large product. */
  private static final int LARGE = 512;

  /**
   * Whether a case is one of the large products, for which the project has bars of their own.
   *
   * @param name one of the cases
   */
  public static boolean isLarge(String name) {
    Product product = Product.parse(name);
    return Math.min(product.m(), Math.min(product.n(), product.k())) >= LARGE;
  }

  @Override
  public String name() {
    return "gemm";
  }

  @Override
  public List<String> cases() {
    return List.of(
        "nt 1024x512x512",
        "nt 1024x1376x512",
        "nt 1024x512x1376",
        "nt 1024x8192x512",
        "nn 1024x512x1376",
        "nn 1024x512x8192",
        "tn 1376x512x1024",
        "tn 8192x512x1024",
        "tt 1008x960x1024",
        "nn 2048x2048x512",
        "nn 1024x1024x8",
        "nn 1024x16x1024",
        "nt 32x1024x1024",
        "tn 16x16x4096",
        "nt 8x4096x4096",
        "nt 1x4096x4096");
  }

  @Override
  public List<String> quickCases() {
    return List.of(
        "nt 1024x1376x512",
        "nn 1024x512x1376",
        "tn 1376x512x1024",
        "tt 1008x960x1024",
        "nt 1x4096x4096");
  }

  @Override
  public Contest open(String name, Place place) {
    Product product = Product.parse(name);
    Ours ours = product.ours(place);
    Peer peer = product.peer(place);
    Contest contest =
        product.m() == 1
            ? Contest.bytes(product.traffic(), product.flops(), ours, peer, place)
            : Contest.flops(product.flops(), product.traffic(), ours, peer, place);
    return product.besideOpenBlas(contest, place);
  }

  /** M×N×K, and which sides are transposed. */
  private record Product(boolean leftTransposed, boolean rightTransposed, int m, int n, int k) {
    static Product parse(String name) {
      Matcher match = CASE.matcher(name);
      if (!match.matches()) {
        throw new IllegalArgumentException("no case of suite gemm is named '%s'".formatted(name));
      }
      return new Product(
          match.group(1).equals("t"),
          match.group(2).equals("t"),
          Integer.parseInt(match.group(3)),
          Integer.parseInt(match.group(4)),
          Integer.parseInt(match.group(5)));
    }

    double flops() {
      return 2.0 * m * n * k;
    }

    /** With A and B read, and C written once. */
    Traffic traffic() {
      return new Traffic(4L * k * ((long) m + n), 4L * m * n, 0);
    }

    Ours ours(Place place) {
      Engine engine = place.engine();
      Tensor a =
          leftTransposed ? Ours.normal(engine, k, m).transpose(0, 1) : Ours.normal(engine, m, k);
      Tensor b =
          rightTransposed ? Ours.normal(engine, n, k).transpose(0, 1) : Ours.normal(engine, k, n);
      return Ours.recorded(engine, () -> List.of(a.matmul(b)));
    }

    Peer peer(Place place) {
      return Peer.of(
          place,
          manager -> {
            NDArray a =
                leftTransposed
                    ? Peer.normal(manager, k, m).transpose()
                    : Peer.normal(manager, m, k);
            NDArray b =
                rightTransposed
                    ? Peer.normal(manager, n, k).transpose()
                    : Peer.normal(manager, k, n);
            return Peer.scoped(() -> a.matMul(b));
          });
    }

    /** Adds OpenBLAS to the sides, where the machine has it. */
    @SuppressWarnings("MustBeClosedChecker") // The contest closes it.
    Contest besideOpenBlas(Contest contest, Place place) {
      if (OpenBlas.whyMissing().isPresent()) {
        return contest;
      }
      OpenBlas.setThreads(place.threads());
      Arena arena = Arena.ofShared();
      return contest.against(
          OpenBlas.product(arena, leftTransposed, rightTransposed, m, n, k), arena::close);
    }
  }
}

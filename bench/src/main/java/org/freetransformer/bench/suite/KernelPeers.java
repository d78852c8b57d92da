package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.freetransformer.bench.libtorch.TorchAdamW;
import org.freetransformer.bench.libtorch.TorchFused;
import org.freetransformer.bench.libtorch.TorchFusedAdamW;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.bench.libtorch.TorchOptimizer;

/**
 * Libtorch's side of those cases of {@link KernelSuite} for which it has a kernel besides what can
 * be composed: the faster of the two.
 */
final class KernelPeers {
  /** An update whose corrections of the moments are all but 1. */
  private static final int LATE_STEP = 1000;

  /** What a gradient is multiplied with. */
  static final float CLIP = 0.5f;

  private KernelPeers() {}

  static Peer attention(Place place) {
    return Peer.fasterOf(
        attention(
            place,
            manager -> {
              NDArray mask = TorchOps.causalMask(manager, KernelSuite.LENGTH, KernelSuite.LENGTH);
              return in -> TorchOps.attention(in.get(0), in.get(1), in.get(2), mask);
            }),
        attention(place, _ -> in -> TorchFused.causalAttention(in.get(0), in.get(1), in.get(2))));
  }

  private static Peer attention(
      Place place, Function<NDManager, Function<List<NDArray>, NDArray>> attention) {
    long[] sizes = {
      KernelSuite.BATCH, KernelSuite.LENGTH, KernelSuite.HEADS, KernelSuite.HEAD_SIZE
    };
    return Peer.of(
        place,
        manager ->
            Peer.forwardAndBackward(
                List.of(
                    Peer.normal(manager, sizes),
                    Peer.normal(manager, sizes),
                    Peer.normal(manager, sizes)),
                Peer.normal(manager, sizes),
                attention.apply(manager)));
  }

  static Peer swiGlu(Place place) {
    return Peer.fasterOf(
        swiGlu(place, in -> TorchOps.swiGlu(in.get(0), in.get(1))),
        swiGlu(place, in -> TorchFused.swiGlu(in.get(0), in.get(1))));
  }

  private static Peer swiGlu(Place place, Function<List<NDArray>, NDArray> swiGlu) {
    return Peer.of(
        place,
        manager ->
            Peer.forwardAndBackward(
                List.of(
                    Peer.normal(manager, KernelSuite.TOKENS, KernelSuite.INNER),
                    Peer.normal(manager, KernelSuite.TOKENS, KernelSuite.INNER)),
                Peer.normal(manager, KernelSuite.TOKENS, KernelSuite.INNER),
                swiGlu));
  }

  /** Losses of each position, for these classes. */
  static Peer crossEntropy(Place place, int[] classes) {
    return Peer.fasterOf(
        crossEntropy(
            place,
            manager -> {
              NDArray indices = TorchOps.indices(manager, classes, classes.length, 1);
              NDArray counted = manager.ones(new Shape(classes.length));
              return in -> TorchOps.crossEntropy(in.getFirst(), indices, counted);
            }),
        crossEntropy(
            place,
            manager -> {
              NDArray indices = TorchOps.indices(manager, classes, classes.length);
              return in -> TorchFused.crossEntropy(in.getFirst(), indices);
            }));
  }

  private static Peer crossEntropy(
      Place place, Function<NDManager, Function<List<NDArray>, NDArray>> loss) {
    return Peer.of(
        place,
        manager ->
            Peer.forwardAndBackward(
                List.of(Peer.normal(manager, KernelSuite.TOKENS, KernelSuite.VOCABULARY)),
                Peer.normal(manager, KernelSuite.TOKENS),
                loss.apply(manager)));
  }

  static Peer adamW(Place place) {
    return Peer.fasterOf(
        adamW(place, () -> new TorchAdamW(0.9, 0.95, 1e-8)),
        adamW(place, () -> new TorchFusedAdamW(0.9, 0.95, 1e-8)));
  }

  /** Libtorch may be missing, so the optimizer is made when it is known to be there. */
  private static Peer adamW(Place place, Supplier<TorchOptimizer> maker) {
    return Peer.of(
        place,
        manager -> {
          TorchOptimizer optimizer = maker.get();
          NDArray parameter = Peer.normal(manager, KernelSuite.PARAMETERS);
          NDArray gradient = Peer.normal(manager, KernelSuite.PARAMETERS);
          NDArray first = Peer.normal(manager, KernelSuite.PARAMETERS);
          NDArray second = Peer.normal(manager, KernelSuite.PARAMETERS).abs();
          return Peer.scoped(() -> {
            TorchFused.fill(gradient, 0.01f);
            optimizer.update(parameter, gradient, first, second, LATE_STEP, CLIP, 1e-4, 0.1);
          });
        });
  }
}

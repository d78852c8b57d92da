package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.SplittableRandom;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.bench.limit.Traffic;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.BinaryMapperOp;

/**
 * The binary mapper's gradient through all 2^16 plans, and the one matrix product in it alone: the
 * gradient of r [N, D] times the table [2^16, D]. Libtorch stores the [N, 2^16] matrix, we do not.
 */
final class MapperSuite implements Suite {
  static final int BITS = 16;
  private static final int PLANS = 1 << BITS;
  static final int POSITIONS = 64;
  static final int WIDTH = 512;
  private static final double FLOPS = 2.0 * POSITIONS * WIDTH * PLANS;
  private static final String GRADIENT = "full gradient, H 16";
  private static final String PRODUCT = "its product alone";

  @Override
  public String name() {
    return "mapper";
  }

  @Override
  public List<String> cases() {
    return List.of(GRADIENT, PRODUCT);
  }

  @Override
  public List<String> quickCases() {
    return cases();
  }

  @Override
  public Contest open(String name, Place place) {
    return switch (name) {
      case GRADIENT -> gradient(place);
      case PRODUCT -> product(place);
      default ->
          throw new IllegalArgumentException(
              "no case of suite mapper is named '%s'".formatted(name));
    };
  }

  private static Contest gradient(Place place) {
    Engine engine = place.engine();
    Tensor logits = Ours.normal(engine, POSITIONS, BITS);
    Tensor table = Ours.normal(engine, PLANS, WIDTH);
    int[] plans = new SplittableRandom(3).ints(POSITIONS, 0, PLANS).toArray();
    Tensor indices = engine.tensor(plans, POSITIONS);
    Ours ours =
        Ours.forwardAndBackward(
            engine,
            List.of(logits),
            in -> BinaryMapperOp.lookUp(in.getFirst(), indices, table, true));
    Peer peer =
        Peer.of(
            place,
            manager -> {
              NDArray theirLogits = Peer.normal(manager, POSITIONS, BITS);
              NDArray theirTable = Peer.normal(manager, PLANS, WIDTH);
              NDArray dr = Peer.normal(manager, POSITIONS, WIDTH);
              NDArray bits = TorchOps.planBits(manager, BITS);
              return Peer.scoped(() -> logitsGradient(theirLogits, theirTable, dr, bits));
            });
    long rows = 4L * POSITIONS * (WIDTH + BITS);
    Traffic traffic = new Traffic(4L * PLANS * WIDTH + rows, rows, 0);
    return Contest.flops(FLOPS, traffic, ours, peer, place);
  }

  /** Σ_d ⟨dr, table_d⟩·G_d·(b_h(d) − p_h), [N, H]: shorter than what autograd would make of it. */
  private static NDArray logitsGradient(NDArray logits, NDArray table, NDArray dr, NDArray bits) {
    NDArray gain = TorchOps.linear(dr, table);
    NDArray weighted = gain.muli(TorchOps.planProbabilities(logits, bits));
    NDArray p = logits.getNDArrayInternal().sigmoid();
    return weighted.matMul(bits).subi(p.mul(weighted.sum(new int[] {1}, true)));
  }

  private static Contest product(Place place) {
    Engine engine = place.engine();
    Tensor dr = Ours.normal(engine, POSITIONS, WIDTH);
    Tensor table = Ours.normal(engine, PLANS, WIDTH).transpose(0, 1);
    Ours ours = Ours.recorded(engine, () -> List.of(dr.matmul(table)));
    Peer peer =
        Peer.of(
            place,
            manager -> {
              NDArray theirDr = Peer.normal(manager, POSITIONS, WIDTH);
              NDArray theirTable = Peer.normal(manager, PLANS, WIDTH);
              return Peer.scoped(() -> TorchOps.linear(theirDr, theirTable));
            });
    Traffic traffic = new Traffic(4L * WIDTH * (PLANS + POSITIONS), 4L * POSITIONS * PLANS, 0);
    return Contest.flops(FLOPS, traffic, ours, peer, place);
  }
}

package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.bench.limit.Traffic;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.ops.AttentionOp;
import org.freetransformer.tensor.ops.BinaryMapperOp;
import org.freetransformer.tensor.ops.CrossEntropyOp;
import org.freetransformer.tensor.ops.DropoutOp;
import org.freetransformer.tensor.ops.EmbeddingOp;
import org.freetransformer.tensor.ops.KlOp;
import org.freetransformer.tensor.ops.MatMulOp;
import org.freetransformer.tensor.ops.RmsNormOp;
import org.freetransformer.tensor.ops.RopeOp;
import org.freetransformer.tensor.ops.SoftmaxOp;
import org.freetransformer.tensor.ops.SwiGluOp;

/**
 * Fused operations, forward and backward, at the sizes of a training step of 4 × 256 tokens of a
 * Llama with D 512, 8 heads, F 1376 and V 8192. Bytes are those that have to move at least: inputs
 * and gradients read by each pass, results written once. Where libtorch has a fused kernel besides
 * what can be composed, the peer is the faster of the two.
 */
final class KernelSuite implements Suite {
  static final int BATCH = 4;
  static final int LENGTH = 256;
  static final int TOKENS = BATCH * LENGTH;
  static final int WIDTH = 512;
  static final int HEADS = 8;
  static final int HEAD_SIZE = WIDTH / HEADS;
  static final int INNER = 1376;
  static final int VOCABULARY = 8192;
  static final int PARAMETERS = 4 << 20;

  // Plans are few numbers a token: of a large batch, so that a call is not over at once.
  private static final int POSITIONS = 1 << 14;
  private static final int PLAN_BITS = 16;

  /** Products of a T×S matrix in attention: two forward, and four for the gradients. */
  private static final int PRODUCTS = 6;

  private static final SequencedMap<String, Function<Place, Contest>> CASES = new LinkedHashMap<>();

  static {
    CASES.put("linear", KernelSuite::linear);
    CASES.put("attention", KernelSuite::attention);
    CASES.put("rmsnorm", KernelSuite::rmsNorm);
    CASES.put("swiglu", KernelSuite::swiGlu);
    CASES.put("rope", KernelSuite::rope);
    CASES.put("cross-entropy", KernelSuite::crossEntropy);
    CASES.put("embedding", KernelSuite::embedding);
    CASES.put("adamw", KernelSuite::adamW);
    CASES.put("softmax", KernelSuite::softmax);
    CASES.put("dropout", KernelSuite::dropout);
    CASES.put("free-bits kl", KernelSuite::freeBits);
    CASES.put("plan sampling", KernelSuite::planSampling);
  }

  @Override
  public String name() {
    return "kernels";
  }

  @Override
  public List<String> cases() {
    return List.copyOf(CASES.keySet());
  }

  @Override
  public List<String> quickCases() {
    return cases();
  }

  @Override
  public Contest open(String name, Place place) {
    Function<Place, Contest> one = CASES.get(name);
    if (one == null) {
      throw new IllegalArgumentException("no case of suite kernels is named '%s'".formatted(name));
    }
    return one.apply(place);
  }

  private static Contest linear(Place place) {
    Engine engine = place.engine();
    Tensor x = Ours.normal(engine, TOKENS, WIDTH);
    Tensor weight = Ours.normal(engine, INNER, WIDTH);
    Ours ours =
        Ours.forwardAndBackward(
            engine, List.of(x, weight), in -> MatMulOp.linear(in.get(0), in.get(1)));
    Peer peer =
        Peer.of(
            place,
            manager ->
                Peer.forwardAndBackward(
                    List.of(
                        Peer.normal(manager, TOKENS, WIDTH), Peer.normal(manager, INNER, WIDTH)),
                    Peer.normal(manager, TOKENS, INNER),
                    in -> TorchOps.linear(in.get(0), in.get(1))));
    long numbers = (long) TOKENS * (WIDTH + INNER) + (long) WIDTH * INNER;
    Traffic traffic = Traffic.ofFloats(numbers, 1, 1, 0);
    return Contest.flops(3 * 2.0 * TOKENS * WIDTH * INNER, traffic, ours, peer, place);
  }

  private static Contest attention(Place place) {
    int[] dims = {BATCH, LENGTH, HEADS, HEAD_SIZE};
    Engine engine = place.engine();
    List<Tensor> inputs = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      inputs.add(Ours.normal(engine, dims));
    }
    Ours ours =
        Ours.forwardAndBackward(
            engine,
            inputs,
            in -> AttentionOp.attention(in.get(0), in.get(1), in.get(2), true, null, 0));
    Peer peer = KernelPeers.attention(place);
    double halfOfAllPairs = 0.5 * LENGTH * (LENGTH + 1);
    double flops = PRODUCTS * 2.0 * BATCH * HEADS * halfOfAllPairs * HEAD_SIZE;
    // Forward q, k, v and the result, then those and its gradient, and three gradients.
    Traffic traffic = Traffic.ofFloats((long) TOKENS * WIDTH, 4, 4, 0);
    return Contest.flops(flops, traffic, ours, peer, place);
  }

  private static Contest rmsNorm(Place place) {
    Engine engine = place.engine();
    Tensor x = Ours.normal(engine, TOKENS, WIDTH);
    Tensor weight = Ours.normal(engine, WIDTH);
    Ours ours =
        Ours.forwardAndBackward(
            engine, List.of(x, weight), in -> RmsNormOp.rmsNorm(in.get(0), in.get(1), 1e-5));
    Peer peer =
        Peer.of(
            place,
            manager ->
                Peer.forwardAndBackward(
                    List.of(Peer.normal(manager, TOKENS, WIDTH), Peer.normal(manager, WIDTH)),
                    Peer.normal(manager, TOKENS, WIDTH),
                    in -> TorchOps.rmsNorm(in.get(0), in.get(1), 1e-5)));
    long numbers = (long) TOKENS * WIDTH;
    Traffic traffic = Traffic.ofFloats(numbers, 2, 2, 0).andAgain(numbers);
    return Contest.memory(traffic, ours, peer, place);
  }

  private static Contest swiGlu(Place place) {
    Engine engine = place.engine();
    Tensor gate = Ours.normal(engine, TOKENS, INNER);
    Tensor up = Ours.normal(engine, TOKENS, INNER);
    Ours ours =
        Ours.forwardAndBackward(
            engine, List.of(gate, up), in -> SwiGluOp.swiGlu(in.get(0), in.get(1)));
    Peer peer = KernelPeers.swiGlu(place);
    long numbers = (long) TOKENS * INNER;
    Traffic traffic = Traffic.ofFloats(numbers, 3, 3, 0).andAgain(2 * numbers);
    return Contest.memory(traffic, ours, peer, place);
  }

  private static Contest rope(Place place) {
    Engine engine = place.engine();
    Tensor x = Ours.normal(engine, BATCH, LENGTH, HEADS, HEAD_SIZE);
    Tensor table = Ours.normal(engine, LENGTH, HEAD_SIZE);
    table.set(RopeOp.table(LENGTH, HEAD_SIZE, 10000));
    int[] places = new int[LENGTH];
    Arrays.setAll(places, t -> t);
    Tensor positions = engine.tensor(places, LENGTH);
    Ours ours =
        Ours.forwardAndBackward(
            engine, List.of(x), in -> RopeOp.rope(in.getFirst(), positions, table));
    Peer peer =
        Peer.of(
            place,
            manager -> {
              NDArray cosine = Peer.normal(manager, LENGTH, 1, HEAD_SIZE / 2);
              NDArray sine = Peer.normal(manager, LENGTH, 1, HEAD_SIZE / 2);
              return Peer.forwardAndBackward(
                  List.of(Peer.normal(manager, BATCH, LENGTH, HEADS, HEAD_SIZE)),
                  Peer.normal(manager, BATCH, LENGTH, HEADS, HEAD_SIZE),
                  in -> TorchOps.rope(in.getFirst(), cosine, sine));
            });
    return Contest.memory(Traffic.ofFloats((long) TOKENS * WIDTH, 2, 2, 0), ours, peer, place);
  }

  private static Contest crossEntropy(Place place) {
    int[] classes = new SplittableRandom(1).ints(TOKENS, 0, VOCABULARY).toArray();
    Engine engine = place.engine();
    Tensor targets = engine.tensor(classes, TOKENS);
    Ours ours =
        Ours.forwardAndBackward(
            engine,
            List.of(Ours.normal(engine, TOKENS, VOCABULARY)),
            in -> CrossEntropyOp.crossEntropy(in.getFirst(), targets, CrossEntropyOp.IGNORE_INDEX));
    Peer peer = KernelPeers.crossEntropy(place, classes);
    long numbers = (long) TOKENS * VOCABULARY;
    Traffic traffic = Traffic.ofFloats(numbers, 1, 1, 0).andAgain(numbers);
    return Contest.memory(traffic, ours, peer, place);
  }

  private static Contest embedding(Place place) {
    int[] tokens = new SplittableRandom(2).ints(TOKENS, 0, VOCABULARY).toArray();
    Engine engine = place.engine();
    Tensor indices = engine.tensor(tokens, TOKENS);
    Ours ours =
        Ours.forwardAndBackward(
            engine,
            List.of(Ours.normal(engine, VOCABULARY, WIDTH)),
            in -> EmbeddingOp.gather(in.getFirst(), indices));
    Peer peer =
        Peer.of(
            place,
            manager -> {
              NDArray theirs = TorchOps.indices(manager, tokens, TOKENS);
              return Peer.forwardAndBackward(
                  List.of(Peer.normal(manager, VOCABULARY, WIDTH)),
                  Peer.normal(manager, TOKENS, WIDTH),
                  in -> TorchOps.embedding(in.getFirst(), theirs));
            });
    long rows = 4L * TOKENS * WIDTH;
    long gradient = 4L * VOCABULARY * WIDTH;
    return Contest.memory(new Traffic(2 * rows, rows + gradient, rows), ours, peer, place);
  }

  private static Contest adamW(Place place) {
    Engine engine = place.engine();
    Tensor[] ours = new Tensor[4];
    Arrays.setAll(ours, _ -> Ours.normal(engine, PARAMETERS));
    ours[3].set(absolute(ours[3].toFloats()));
    Tensor schedule = engine.allocate("bench", DType.F32, Shape.of(3));
    schedule.set(new float[] {1e-4f, 1, 1});
    Tensor scale = engine.allocate("bench", DType.F32, Shape.of(1));
    scale.set(new float[] {KernelPeers.CLIP});
    Ours side =
        Ours.recorded(
            engine,
            () -> {
              // The update clears it; on both sides it stands for what a backward pass writes.
              engine.emit(new Instruction.Fill(ours[1].buffer(), 0.01));
              engine.emit(
                  new Instruction.AdamW(
                      ours[0].buffer(),
                      ours[1].buffer(),
                      ours[2].buffer(),
                      ours[3].buffer(),
                      schedule.buffer(),
                      scale.buffer(),
                      0.9,
                      0.95,
                      1e-8,
                      0.1));
              return List.of();
            });
    Peer peer = KernelPeers.adamW(place);
    Traffic traffic = Traffic.ofFloats(PARAMETERS, 0, 0, 4).andRefilled(PARAMETERS);
    return Contest.memory(traffic, side, peer, place);
  }

  private static Contest softmax(Place place) {
    Engine engine = place.engine();
    Ours ours =
        Ours.forwardAndBackward(
            engine,
            List.of(Ours.normal(engine, TOKENS, VOCABULARY)),
            in -> SoftmaxOp.softmax(in.getFirst(), false));
    Peer peer =
        Peer.of(
            place,
            manager ->
                Peer.forwardAndBackward(
                    List.of(Peer.normal(manager, TOKENS, VOCABULARY)),
                    Peer.normal(manager, TOKENS, VOCABULARY),
                    in -> in.getFirst().softmax(1)));
    long numbers = (long) TOKENS * VOCABULARY;
    Traffic traffic = Traffic.ofFloats(numbers, 2, 2, 0).andAgain(numbers);
    return Contest.memory(traffic, ours, peer, place);
  }

  private static Contest dropout(Place place) {
    float rate = 0.1f;
    Engine engine = place.engine();
    Ours ours =
        Ours.forwardAndBackward(
            engine,
            List.of(Ours.normal(engine, TOKENS, INNER)),
            in -> DropoutOp.dropout(in.getFirst(), rate));
    Peer peer =
        Peer.of(
            place,
            manager ->
                Peer.forwardAndBackward(
                    List.of(Peer.normal(manager, TOKENS, INNER)),
                    Peer.normal(manager, TOKENS, INNER),
                    in -> TorchOps.dropout(in.getFirst(), rate)));
    return Contest.memory(Traffic.ofFloats((long) TOKENS * INNER, 2, 2, 0), ours, peer, place);
  }

  private static Contest freeBits(Place place) {
    Engine engine = place.engine();
    Tensor kappa = engine.allocate("bench", DType.F32, Shape.of());
    kappa.set(new float[] {(float) Math.log(2)});
    Ours ours =
        Ours.forwardAndBackward(
            engine,
            List.of(Ours.normal(engine, POSITIONS, PLAN_BITS)),
            in -> KlOp.freeBits(KlOp.bernoulliKl(in.getFirst()), kappa));
    Peer peer =
        Peer.of(
            place,
            manager ->
                Peer.forwardAndBackward(
                    List.of(Peer.normal(manager, POSITIONS, PLAN_BITS)),
                    Peer.normal(manager, POSITIONS),
                    in ->
                        TorchOps.bernoulliKl(in.getFirst())
                            .sub(Math.log(2))
                            .getNDArrayInternal()
                            .relu()));
    long numbers = (long) POSITIONS * PLAN_BITS;
    Traffic traffic = Traffic.ofFloats(numbers, 1, 1, 0).andAgain(numbers);
    return Contest.memory(traffic, ours, peer, place);
  }

  private static Contest planSampling(Place place) {
    Engine engine = place.engine();
    Tensor logits = Ours.normal(engine, POSITIONS, PLAN_BITS);
    Ours ours = Ours.recorded(engine, () -> List.of(BinaryMapperOp.sample(logits, false)));
    Peer peer =
        Peer.of(
            place,
            manager -> {
              NDArray theirs = Peer.normal(manager, POSITIONS, PLAN_BITS);
              NDArray powers = TorchOps.powersOfTwo(manager, PLAN_BITS);
              return Peer.scoped(() -> TorchOps.samplePlans(theirs, powers));
            });
    return Contest.memory(
        new Traffic(4L * POSITIONS * PLAN_BITS, 4L * POSITIONS, 0), ours, peer, place);
  }

  private static float[] absolute(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.abs(values[i]);
    }
    return values;
  }
}

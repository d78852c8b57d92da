package org.freetransformer.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
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
import org.freetransformer.tensor.ops.SwiGluOp;

/**
 * A language model with a latent plan in the middle, small and of random sizes: every kind of
 * operation that a training step has, for tests that compare ways to run one.
 */
final class SmallNetwork {
  private static final int VOCABULARY = 11;

  private final Engine engine;
  private final Random random;
  private final List<Tensor> parameters = new ArrayList<>();
  private final int batch;
  private final int length;
  private final int headSize;
  private final int heads;
  private final int keyHeads;
  private final int bits;
  private final double dropout;
  private final boolean table;
  private final boolean full;
  private final Tensor embedding;
  private final Tensor angles;
  private final Tensor positions;
  private final Tensor kappa;
  private final List<Block> blocks = new ArrayList<>();
  private final Tensor readout;
  private final Tensor postSampler;
  final Tensor tokens;
  final Tensor targets;

  private record Block(
      Tensor norm,
      Tensor wq,
      Tensor wk,
      Tensor wv,
      Tensor wo,
      Tensor gate,
      Tensor up,
      Tensor down) {}

  SmallNetwork(Engine engine, long seed) {
    this.engine = engine;
    this.random = new Random(seed);
    batch = 1 + random.nextInt(3);
    length = 2 + random.nextInt(5);
    headSize = 2 * (1 + random.nextInt(3));
    keyHeads = 1 + random.nextInt(2);
    heads = keyHeads * (1 + random.nextInt(2));
    bits = 1 + random.nextInt(5);
    dropout = random.nextBoolean() ? 0.2 : 0;
    table = random.nextBoolean();
    full = random.nextBoolean();
    int width = heads * headSize;
    embedding = parameter(VOCABULARY, width);
    for (int i = 0; i < 2; i++) {
      blocks.add(
          new Block(
              parameter(width),
              parameter(width, width),
              parameter(keyHeads * headSize, width),
              parameter(keyHeads * headSize, width),
              parameter(width, width),
              parameter(7, width),
              parameter(7, width),
              parameter(width, 7)));
    }
    readout = parameter(bits, width);
    postSampler = table ? parameter(1 << bits, width) : parameter(width, bits);
    angles = constant(RopeOp.table(length, headSize, 100), length, headSize);
    positions = whole(length, length);
    kappa = constant(new float[] {0.1f});
    tokens = whole(VOCABULARY, batch, length);
    targets = whole(VOCABULARY, batch, length);
  }

  private Tensor parameter(int... dims) {
    Tensor values = engine.allocate("parameters", DType.F32, Shape.of(dims));
    float[] drawn = new float[Math.toIntExact(values.shape().size())];
    for (int i = 0; i < drawn.length; i++) {
      drawn[i] = (float) random.nextGaussian(0, 0.5);
    }
    values.set(drawn).requireGrad();
    values.setGrad(engine.allocate("gradients", DType.F32, values.shape()));
    parameters.add(values);
    return values;
  }

  private Tensor constant(float[] values, int... dims) {
    return engine.allocate("constants", DType.F32, Shape.of(dims)).set(values);
  }

  private Tensor whole(int bound, int... dims) {
    Tensor tensor = engine.allocate("inputs", DType.I32, Shape.of(dims));
    return tensor.set(random.ints(tensor.shape().size(), 0, bound).toArray());
  }

  List<Tensor> parameters() {
    return parameters;
  }

  /** Other tokens in, as data of another step would be. */
  void nextTokens() {
    tokens.set(random.ints(tokens.shape().size(), 0, VOCABULARY).toArray());
  }

  /** Forward and backward; gradients start anew. Gives loss, logits, plan and divergence. */
  List<Tensor> step() {
    for (Tensor parameter : parameters) {
      Tensor gradient = Objects.requireNonNull(parameter.grad());
      engine.emit(new Instruction.Fill(gradient.buffer(), 0));
    }
    Tensor x = block(blocks.getFirst(), EmbeddingOp.gather(embedding, tokens));
    Tensor planLogits = MatMulOp.linear(x, readout);
    Tensor plan = BinaryMapperOp.sample(planLogits, false);
    Tensor r =
        table
            ? BinaryMapperOp.lookUp(planLogits, plan, postSampler, full)
            : MatMulOp.linear(BinaryMapperOp.bits(planLogits, plan), postSampler);
    x = block(blocks.getLast(), x.add(r));
    Tensor logits = MatMulOp.linear(x, embedding);
    Tensor loss = CrossEntropyOp.meanCrossEntropy(logits, targets, CrossEntropyOp.IGNORE_INDEX);
    Tensor kl = KlOp.bernoulliKl(planLogits);
    loss = loss.add(KlOp.freeBits(kl, kappa).mean());
    loss.backward();
    return List.of(loss, logits.detach(), plan, kl.detach());
  }

  private Tensor block(Block weights, Tensor x) {
    Tensor h = RmsNormOp.rmsNorm(x, weights.norm, 1e-6);
    Tensor q = rotated(MatMulOp.linear(h, weights.wq), heads);
    Tensor k = rotated(MatMulOp.linear(h, weights.wk), keyHeads);
    Tensor v = MatMulOp.linear(h, weights.wv).reshape(batch, length, keyHeads, headSize);
    Tensor attended =
        AttentionOp.attention(q, k, v, true, null, dropout).reshape(batch, length, -1);
    Tensor y = x.add(DropoutOp.dropout(MatMulOp.linear(attended, weights.wo), dropout));
    Tensor hidden =
        SwiGluOp.swiGlu(MatMulOp.linear(y, weights.gate), MatMulOp.linear(y, weights.up));
    return y.add(MatMulOp.linear(hidden, weights.down));
  }

  private Tensor rotated(Tensor x, int count) {
    return RopeOp.rope(x.reshape(batch, length, count, headSize), positions, angles);
  }
}

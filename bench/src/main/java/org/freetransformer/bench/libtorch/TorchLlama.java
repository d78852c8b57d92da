package org.freetransformer.bench.libtorch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Tensor;

/**
 * The Llama stack of this project's baseline, built of libtorch's operations, fused where it has
 * them fused, with parameters under the same names.
 */
public final class TorchLlama {
  /**
   * What the parameters do not tell.
   *
   * @param layers number of blocks
   * @param heads query heads
   * @param keyValueHeads a divisor of {@code heads}
   * @param headSize Dh
   * @param normEpsilon added to the mean square in every norm
   * @param length T, tokens of a sequence
   */
  public record Config(
      int layers, int heads, int keyValueHeads, int headSize, double normEpsilon, int length) {}

  /** Of random weights. */
  private static final float DEVIATION = 0.02f;

  private final Config config;
  private final SequencedMap<String, NDArray> parameters;
  private final NDArray cosine;
  private final NDArray sine;

  private TorchLlama(
      Config config, SequencedMap<String, NDArray> parameters, NDArray cosine, NDArray sine) {
    this.config = config;
    this.parameters = parameters;
    this.cosine = cosine;
    this.sine = sine;
  }

  /** A stack with copies of parameters of ours; everything belongs to the manager. */
  public static TorchLlama copyOf(NDManager manager, Config config, Map<String, Parameter> source) {
    SequencedMap<String, NDArray> copies = new LinkedHashMap<>();
    source.forEach((name, parameter) -> {
      int[] dims = parameter.value().shape().toArray();
      Shape shape = new Shape(Arrays.stream(dims).asLongStream().toArray());
      copies.put(name, copyOf(manager, parameter.value(), shape));
    });
    return of(manager, config, copies);
  }

  /**
   * A stack of random weights with one matrix for embedding and output; everything belongs to the
   * manager, and nothing of ours takes part.
   *
   * @param inner F
   * @param vocabulary V
   */
  public static TorchLlama random(NDManager manager, Config config, int inner, int vocabulary) {
    int width = config.heads() * config.headSize();
    int narrow = config.keyValueHeads() * config.headSize();
    Map<String, Shape> shapes = new LinkedHashMap<>();
    shapes.put("token_embedding", new Shape(vocabulary, width));
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = "blocks.%d.".formatted(layer);
      shapes.put(block + "attn_norm", new Shape(width));
      shapes.put(block + "wq", new Shape(width, width));
      shapes.put(block + "wk", new Shape(narrow, width));
      shapes.put(block + "wv", new Shape(narrow, width));
      shapes.put(block + "wo", new Shape(width, width));
      shapes.put(block + "ffn_norm", new Shape(width));
      shapes.put(block + "ffn.w1", new Shape(inner, width));
      shapes.put(block + "ffn.w2", new Shape(width, inner));
      shapes.put(block + "ffn.w3", new Shape(inner, width));
    }
    shapes.put("norm", new Shape(width));
    SequencedMap<String, NDArray> parameters = new LinkedHashMap<>();
    shapes.forEach((name, shape) ->
        parameters.put(
            name + ".weight",
            shape.dimension() == 1
                ? manager.ones(shape)
                : manager.randomNormal(0, DEVIATION, shape, DataType.FLOAT32)));
    return of(manager, config, parameters);
  }

  private static TorchLlama of(
      NDManager manager, Config config, SequencedMap<String, NDArray> parameters) {
    NDArray angles = angles(manager, config);
    return new TorchLlama(config, parameters, angles.cos(), angles.sin());
  }

  /** By way of memory off the heap, for what a heap once held it keeps. */
  private static NDArray copyOf(NDManager manager, Tensor tensor, Shape shape) {
    int bytes = Math.toIntExact(shape.size() * Float.BYTES);
    ByteBuffer values = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    tensor.copyTo(MemorySegment.ofBuffer(values));
    return manager.create(values, shape, DataType.FLOAT32);
  }

  /** The same stack on new leaves that share the parameters' memory: one for each backward pass. */
  public TorchLlama withLeaves() {
    SequencedMap<String, NDArray> leaves = new LinkedHashMap<>();
    parameters.forEach((name, parameter) -> leaves.put(name, Libtorch.leaf(parameter)));
    return new TorchLlama(config, leaves, cosine, sine);
  }

  /** Angles of the rotary positions of Llama 2, [T, 1, Dh/2]. */
  private static NDArray angles(NDManager manager, Config config) {
    int half = config.headSize() / 2;
    float[] angles = new float[config.length() * half];
    for (int p = 0; p < config.length(); p++) {
      for (int i = 0; i < half; i++) {
        angles[p * half + i] = (float) (p * Math.pow(10000, -(double) i / half));
      }
    }
    return manager.create(angles, new Shape(config.length(), 1, half));
  }

  /** All parameters by name. */
  public SequencedMap<String, NDArray> parameters() {
    return parameters;
  }

  private NDArray parameter(String name) {
    return Objects.requireNonNull(parameters.get(name), name);
  }

  /**
   * One block; all that it makes on the way is freed, or the tape's alone.
   *
   * @param prefix of its parameters' names, such as {@code blocks.0.}
   * @param x [B, T, D]
   * @return [B, T, D]
   */
  public NDArray block(String prefix, NDArray x) {
    return Freeing.allBut(() -> attended(prefix, x));
  }

  private NDArray attended(String prefix, NDArray x) {
    NDArray normed = norm(prefix + "attn_norm", x);
    NDArray q = rotated(heads(linear(prefix + "wq", normed), config.heads()));
    NDArray k = rotated(heads(linear(prefix + "wk", normed), config.keyValueHeads()));
    NDArray v = heads(linear(prefix + "wv", normed), config.keyValueHeads());
    NDArray mixed = TorchFused.causalAttention(q, k, v).reshape(x.getShape());
    NDArray h = x.add(linear(prefix + "wo", mixed));
    NDArray inner = norm(prefix + "ffn_norm", h);
    NDArray gate = linear(prefix + "ffn.w1", inner);
    NDArray up = linear(prefix + "ffn.w3", inner);
    return h.add(linear(prefix + "ffn.w2", TorchFused.swiGlu(gate, up)));
  }

  /** Logits [B·T, V] of tokens, int64 [B, T]. */
  public NDArray logits(NDArray tokens) {
    return Freeing.allBut(() -> output(tokens));
  }

  private NDArray output(NDArray tokens) {
    NDArray x = TorchOps.embedding(parameter("token_embedding.weight"), tokens);
    for (int layer = 0; layer < config.layers(); layer++) {
      x = block("blocks.%d.".formatted(layer), x);
    }
    NDArray last = norm("norm", x);
    NDArray rows = last.reshape(-1, last.getShape().get(2));
    return linear(parameters.containsKey("output.weight") ? "output" : "token_embedding", rows);
  }

  private NDArray linear(String name, NDArray x) {
    return TorchOps.linear(x, parameter(name + ".weight"));
  }

  private NDArray norm(String name, NDArray x) {
    return TorchOps.rmsNorm(x, parameter(name + ".weight"), config.normEpsilon());
  }

  private NDArray heads(NDArray x, int count) {
    Shape shape = x.getShape();
    return x.reshape(shape.get(0), shape.get(1), count, config.headSize());
  }

  private NDArray rotated(NDArray x) {
    return TorchOps.rope(x, cosine, sine);
  }
}

package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.bench.limit.Traffic;
import org.freetransformer.model.Baseline;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.Linear;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.CastOp;
import org.freetransformer.tensor.ops.MatMulOp;
import org.freetransformer.tensor.ops.QuantizedLinearOp;

/**
 * Generation: a layer's product for a few rows with weights of f32, bf16 or 8 bits, beside libtorch
 * with f32 (its bf16 product ends the JVM when it is called through DJL); whole steps of a model,
 * one token a row after some hundreds; and the reading of a prompt. The limit of a step reads the
 * weights, as they are held, and the keys and values, and nothing else, or multiplies and adds as
 * often as the weights' rows do, whichever takes longer. In one case the limit is our own product
 * with f32 beside that with bf16.
 */
public final class DecodeSuite implements Suite {
  private static final int SIDE = 4096;

  /**
   * Products of one call, of one matrix after the other. Each side has so many that no cache holds
   * them: in generation weights come from memory.
   */
  private static final int LAYERS = 16;

  private static final long MATRICES_BYTES = 256L << 20;

  private static final String NARROW_BESIDE_WIDE = "layer B 1, bf16/f32";
  private static final int PROMPT = 256;

  /** Tokens that a row holds before each step. */
  static final int HELD = 640;

  static final ModelConfig MODEL = llama(768, 8, 2048);

  /** 320 million parameters, which no cache holds even as 8 bits. */
  private static final ModelConfig LARGE = llama(1024, 24, 2752);

  private static ModelConfig llama(int width, int layers, int inner) {
    return ModelConfig.builder()
        .kind(ModelConfig.Kind.BASELINE)
        .vocabSize(8192)
        .hiddenDim(width)
        .numLayers(layers)
        .numHeads(width / 64)
        .numKvHeads(width / 64)
        .ffnHiddenDim(inner)
        .maxSeqLen(HELD + 1)
        .tieEmbeddings(false)
        .build();
  }

  @Override
  public String name() {
    return "decode";
  }

  @Override
  public List<String> cases() {
    return List.of(
        "layer B 1, f32",
        "layer B 1, bf16",
        "layer B 1, int8",
        NARROW_BESIDE_WIDE,
        "layer B 8, f32",
        "layer B 8, bf16",
        "layer B 8, int8",
        "model B 1, f32",
        "model B 1, bf16",
        "model B 1, int8",
        "model B 8, f32",
        "model B 8, bf16",
        "model B 8, int8",
        "model of 320M B 1, f32",
        "model of 320M B 1, bf16",
        "model of 320M B 1, int8",
        "prompt of 256");
  }

  @Override
  public List<String> quickCases() {
    return List.of(
        "layer B 1, f32",
        "layer B 1, bf16",
        "layer B 1, int8",
        NARROW_BESIDE_WIDE,
        "model B 1, f32",
        "model B 1, bf16",
        "model B 1, int8");
  }

  /**
   * What the project wants of a case as a share of its limit, for people; empty if nothing.
   *
   * @param name one of the cases
   */
  public static String wanted(String name) {
    if (name.equals(NARROW_BESIDE_WIDE)) {
      return "≥ 1.80";
    }
    if (name.startsWith("prompt")) {
      return "≥ 0.85";
    }
    return name.contains("B 1") ? "≥ 0.90" : "";
  }

  @Override
  public Contest open(String name, Place place) {
    if (!cases().contains(name)) {
      throw new IllegalArgumentException("no case of suite decode is named '%s'".formatted(name));
    }
    DType type = name.endsWith("bf16") ? DType.BF16 : name.endsWith("int8") ? DType.I8 : DType.F32;
    int rows = name.contains("B 8") ? 8 : 1;
    if (name.equals(NARROW_BESIDE_WIDE)) {
      return narrowBesideWide(place);
    }
    if (name.startsWith("layer")) {
      return layers(rows, type, place);
    }
    if (name.startsWith("model")) {
      return model(name.startsWith("model of 320M") ? LARGE : MODEL, rows, type, place);
    }
    return prompt(place);
  }

  private static Contest layers(int rows, DType type, Place place) {
    Ours ours = layers(rows, type, place.engine());
    Peer peer =
        Peer.of(
            place,
            manager -> {
              NDArray x = Peer.normal(manager, rows, SIDE);
              List<NDArray> weights =
                  Stream.generate(() -> Peer.normal(manager, SIDE, SIDE))
                      .limit(matrices(DType.F32))
                      .toList();
              return () -> {
                for (int i = 0; i < LAYERS; i++) {
                  TorchOps.linear(x, weights.get(i % weights.size())).close();
                }
              };
            });
    long matrix = (long) SIDE * SIDE * type.bytes();
    int distinct = matrices(type);
    Traffic traffic = new Traffic(distinct * matrix, 0, 0, (LAYERS - distinct) * matrix, 0);
    return Contest.flops(2.0 * LAYERS * rows * SIDE * SIDE, traffic, ours, peer, place);
  }

  private static int matrices(DType type) {
    return Math.toIntExact(MATRICES_BYTES / ((long) SIDE * SIDE * type.bytes()));
  }

  private static Ours layers(int rows, DType type, Engine engine) {
    Tensor x = Ours.normal(engine, rows, SIDE);
    List<UnaryOperator<Tensor>> layers = new ArrayList<>();
    for (int i = 0; i < matrices(type); i++) {
      Tensor wide = Ours.normal(engine, SIDE, SIDE);
      layers.add(layer(wide, type));
      if (type != DType.F32) {
        wide.close();
      }
    }
    return Ours.recorded(
        engine,
        () ->
            IntStream.range(0, LAYERS)
                .mapToObj(i -> layers.get(i % layers.size()).apply(x))
                .toList());
  }

  private static UnaryOperator<Tensor> layer(Tensor wide, DType type) {
    return switch (type) {
      case I8 -> {
        QuantizedLinearOp.Weight weight = QuantizedLinearOp.quantize("bench", wide);
        yield x -> QuantizedLinearOp.forward(x, weight);
      }
      case BF16 -> {
        Tensor weight = CastOp.cast(wide, DType.BF16);
        yield x -> MatMulOp.linear(x, weight);
      }
      default -> x -> MatMulOp.linear(x, wide);
    };
  }

  private static Contest narrowBesideWide(Place place) {
    Ours narrow = layers(1, DType.BF16, place.engine());
    Ours wide = layers(1, DType.F32, place.engine());
    return Contest.tokens(LAYERS, narrow::run, wide::run, narrow::close, wide::close);
  }

  private static Contest model(ModelConfig config, int rows, DType type, Place place) {
    Decoding ours = random(config, rows, type, HELD, place);
    double weights = ours.linearWeights() + (double) config.vocabSize() * config.hiddenDim();
    Limit limit =
        Limit.slowerOf(
            Limit.memory(new Traffic(ours.bytesOfStep(), 0, 0), ours.engine(), place),
            Limit.arithmetic(2 * rows * weights, ours.engine(), place));
    return Contest.tokens(rows, ours::step, limit, ours::close);
  }

  private static Contest prompt(Place place) {
    Decoding ours = random(MODEL, 1, DType.F32, PROMPT, place);
    Limit limit = Limit.arithmetic(2.0 * PROMPT * ours.linearWeights(), ours.engine(), place);
    return Contest.tokens(PROMPT, ours::readPrompt, limit, ours::close);
  }

  private static Decoding random(ModelConfig config, int rows, DType type, int held, Place place) {
    Engine engine = place.engine();
    Baseline model = new Baseline(engine, config);
    if (type != DType.F32) {
      Linear.holdAllAs(model, type);
    }
    return new Decoding(engine, model, rows, held);
  }
}

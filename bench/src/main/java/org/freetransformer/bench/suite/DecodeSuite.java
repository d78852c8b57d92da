package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import java.util.List;
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
 * often as the weights' rows do, whichever takes longer.
 */
final class DecodeSuite implements Suite {
  private static final int SIDE = 4096;
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
        "model B 1, f32",
        "model B 1, bf16",
        "model B 1, int8");
  }

  @Override
  public Contest open(String name, Place place) {
    if (!cases().contains(name)) {
      throw new IllegalArgumentException("no case of suite decode is named '%s'".formatted(name));
    }
    DType type = name.endsWith("bf16") ? DType.BF16 : name.endsWith("int8") ? DType.I8 : DType.F32;
    int rows = name.contains("B 8") ? 8 : 1;
    if (name.startsWith("layer")) {
      return layer(rows, type, place);
    }
    if (name.startsWith("model")) {
      return model(name.startsWith("model of 320M") ? LARGE : MODEL, rows, type, place);
    }
    return prompt(place);
  }

  private static Contest layer(int rows, DType type, Place place) {
    Engine engine = place.engine();
    Tensor x = Ours.normal(engine, rows, SIDE);
    Tensor wide = Ours.normal(engine, SIDE, SIDE);
    Ours ours =
        switch (type) {
          case I8 -> {
            QuantizedLinearOp.Weight weight = QuantizedLinearOp.quantize("bench", wide);
            yield Ours.recorded(engine, () -> List.of(QuantizedLinearOp.forward(x, weight)));
          }
          case BF16 -> {
            Tensor weight = CastOp.cast(wide, DType.BF16);
            yield Ours.recorded(engine, () -> List.of(MatMulOp.linear(x, weight)));
          }
          default -> Ours.recorded(engine, () -> List.of(MatMulOp.linear(x, wide)));
        };
    Peer peer =
        Peer.of(
            place,
            manager -> {
              NDArray theirs = Peer.normal(manager, rows, SIDE);
              NDArray theirWeight = Peer.normal(manager, SIDE, SIDE);
              return Peer.scoped(() -> TorchOps.linear(theirs, theirWeight));
            });
    long bytes = (long) SIDE * SIDE * type.bytes();
    double flops = 2.0 * rows * SIDE * SIDE;
    return Contest.bytes(new Traffic(bytes, 0, 0), flops, ours, peer, place);
  }

  private static Contest model(ModelConfig config, int rows, DType type, Place place) {
    Decoding ours = random(config, rows, type, HELD, place);
    double weights = ours.linearWeights() + (double) config.vocabSize() * config.hiddenDim();
    Limit limit =
        Limit.slower(
            Limit.memory(new Traffic(ours.bytesOfStep(), 0, 0), ours.engine(), place),
            Limit.arithmetic(2 * rows * weights, ours.engine(), place));
    return Contest.tokens(rows, ours::step, limit.call(), ours::close, limit.closing());
  }

  private static Contest prompt(Place place) {
    Decoding ours = random(MODEL, 1, DType.F32, PROMPT, place);
    Limit limit = Limit.arithmetic(2.0 * PROMPT * ours.linearWeights(), ours.engine(), place);
    return Contest.tokens(PROMPT, ours::readPrompt, limit.call(), ours::close, limit.closing());
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

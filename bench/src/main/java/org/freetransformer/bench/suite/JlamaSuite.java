package org.freetransformer.bench.suite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.freetransformer.bench.jlama.Jlama;
import org.freetransformer.bench.limit.Traffic;
import org.freetransformer.checkpoint.HuggingFaceFolder;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.TensorType;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.Linear;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;

/**
 * Generation beside Jlama: both engines load one folder of random weights, read one prompt, and
 * must come to the same logits; then steps for one row, a token after some hundreds, or the prompt
 * again and again. Each side picks its most probable token or hands out its logits. The limits are
 * those of the suite {@code decode}.
 */
final class JlamaSuite implements Suite {
  private static final String PROMPT = "prompt of 255, f32";
  private static final String CHECKED = "model B 1, f32, checked";

  /** Ours in 8 bits; Jlama has no product with 8-bit weights, but with those of 4. */
  private static final String NARROW = "model B 1, int8, its q4";

  private static final int PROMPT_TOKENS = 255;

  /** Of logits, the largest of which are 2 to 3, that the two may differ by with f32 weights. */
  private static final double TOLERANCE = 1e-4;

  /** With bf16 weights: Jlama rounds activations to bf16 as well. */
  private static final double TOLERANCE_BF16 = 0.03;

  /** With 8 bits and 4: as far apart as 4 bits are from f32. */
  private static final double TOLERANCE_NARROW = 1.5;

  @Override
  public String name() {
    return "jlama";
  }

  @Override
  public Peers peers() {
    return Peers.JLAMA;
  }

  @Override
  public List<String> cases() {
    return List.of("model B 1, f32", CHECKED, "model B 1, bf16", NARROW, PROMPT);
  }

  @Override
  public List<String> quickCases() {
    return cases();
  }

  /** Jlama runs without the Vector API's bounds checks, and so does ours beside it but once. */
  @Override
  public List<String> options(String name) {
    return name.equals(CHECKED)
        ? List.of()
        : List.of("-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0");
  }

  @Override
  public Contest open(String name, Place place) {
    if (!cases().contains(name)) {
      throw new IllegalArgumentException("no case of suite jlama is named '%s'".formatted(name));
    }
    boolean wide = name.contains("f32");
    DType type = wide ? DType.F32 : name.equals(NARROW) ? DType.I8 : DType.BF16;
    LlamaFolder folder =
        LlamaFolder.random(DecodeSuite.MODEL, wide ? TensorType.F32 : TensorType.BF16);
    HuggingFaceFolder store = HuggingFaceFolder.open(folder.path());
    int held = name.equals(PROMPT) ? PROMPT_TOKENS : DecodeSuite.HELD;
    Decoding ours = ours(store, type, held, place);
    Path weights = type == DType.I8 ? quantized(folder.path()) : folder.path();
    Jlama theirs = Jlama.load(weights, DecodeSuite.MODEL, place.threads());
    List<Runnable> closing = List.of(ours::close, theirs::close, store::close, folder::close);
    theirs.prompt(ours.prompt());
    double tolerance =
        switch (type) {
          case I8 -> TOLERANCE_NARROW;
          case BF16 -> TOLERANCE_BF16;
          default -> TOLERANCE;
        };
    requireSame(ours.prompted(), theirs.logits(), tolerance);
    return name.equals(PROMPT)
        ? prompt(ours, theirs, closing, place)
        : step(ours, theirs, closing, place);
  }

  private static Path quantized(Path folder) {
    try {
      return Jlama.quantize(folder);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static Decoding ours(HuggingFaceFolder store, DType type, int held, Place place) {
    Engine engine = place.engine();
    LanguageModel model = ModelFile.load(engine, store);
    if (type != DType.F32) {
      Linear.holdAllAs(model, type);
    }
    return new Decoding(engine, model, 1, held);
  }

  private static Contest step(Decoding ours, Jlama theirs, List<Runnable> closing, Place place) {
    Limit limit = Limit.memory(new Traffic(ours.bytesOfStep(), 0, 0), ours.engine(), place);
    AtomicInteger token = new AtomicInteger();
    Runnable step =
        () ->
            theirs.next(token.incrementAndGet() % DecodeSuite.MODEL.vocabSize(), DecodeSuite.HELD);
    return contest(1, ours::step, step, limit, closing);
  }

  private static Contest prompt(Decoding ours, Jlama theirs, List<Runnable> closing, Place place) {
    int[] tokens = ours.prompt();
    double flops = 2.0 * tokens.length * ours.linearWeights();
    Limit limit = Limit.arithmetic(flops, ours.engine(), place);
    return contest(tokens.length, ours::readPrompt, () -> theirs.prompt(tokens), limit, closing);
  }

  private static Contest contest(
      int tokens, Runnable ours, Runnable theirs, Limit limit, List<Runnable> closing) {
    return Contest.tokens(tokens, ours, limit, closing.toArray(Runnable[]::new))
        .against(List.of(theirs), null, () -> {});
  }

  /** A comparison of two that do not compute the same is worth nothing. */
  private static void requireSame(float[] ours, float[] theirs, double tolerance) {
    for (int v = 0; v < ours.length; v++) {
      if (!(Math.abs(ours[v] - theirs[v]) <= tolerance)) {
        throw new IllegalStateException(
            String.format(
                Locale.ROOT,
                "Jlama computes something else: logit %d is %g, ours %g",
                v,
                theirs[v],
                ours[v]));
      }
    }
  }
}

package org.freetransformer.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.freetransformer.model.FreeTransformer;
import org.freetransformer.nn.OutputLoss;
import org.freetransformer.nn.Resources;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.ExampleRandom;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/**
 * How far the distribution of the next token moves when a plan bit is flipped: at all positions at
 * once, and at one position of each text.
 */
public final class PlanSteering implements AutoCloseable {
  private final int bits;
  private final int length;
  private final Tensor plans;
  private final Tensor flipped;
  private final Program compare;
  private final Resources resources;
  private final ExampleRandom places = new ExampleRandom(0, "positions of flipped bits");
  private final Sums everywhere;
  private final Sums once;

  /**
   * What flipping one bit does, on the average over texts.
   *
   * @param everywhere the bit flipped at all positions: at any of them
   * @param once the bit flipped at one position: there
   * @param klAfter the same: KL summed over all later positions of the text, in nats
   */
  public record Effect(Shift everywhere, Shift once, double klAfter) {}

  /**
   * How far the distribution p of the next token moves to q.
   *
   * @param kl KL(p ‖ q) in nats
   * @param totalVariation ½ Σ|p − q|, 0 to 1
   */
  public record Shift(double kl, double totalVariation) {}

  /**
   * Records the comparison of two plans for one text.
   *
   * @param x the first half's output for the batch in {@code inputs}
   */
  PlanSteering(FreeTransformer model, BatchTensors inputs, Tensor x) {
    Engine engine = model.engine();
    bits = model.config().latentDim();
    length = inputs.tokens().dim(1);
    try (Resources parts = new Resources()) {
      Tensor before = parts.add(engine.allocate("inputs", DType.I32, inputs.tokens().shape()));
      Tensor after = parts.add(engine.allocate("inputs", DType.I32, inputs.tokens().shape()));
      plans = before;
      flipped = after;
      compare =
          parts.add(
              Program.record(
                  engine,
                  () -> {
                    Tensor one = hidden(model, inputs, x, before);
                    Tensor other = hidden(model, inputs, x, after);
                    return compared(model, one, other);
                  }));
      resources = parts.keep();
    }
    everywhere = new Sums(bits);
    once = new Sums(bits);
  }

  /** Final hidden vectors under some plans, one row for each of B·T positions. */
  private static Tensor hidden(FreeTransformer model, BatchTensors inputs, Tensor x, Tensor plans) {
    Tensor hidden = model.secondHalf(x, plans, inputs.sequence(), null);
    return hidden.reshape(hidden.dim(0) * hidden.dim(1), hidden.dim(2));
  }

  /**
   * KL and total variation [B·T] of the next token's distributions. As in {@link OutputLoss}, those
   * of some positions at a time: with a large vocabulary they are many numbers.
   */
  private static List<Tensor> compared(FreeTransformer model, Tensor one, Tensor other) {
    Engine engine = model.engine();
    int count = one.dim(0);
    int rows = OutputLoss.rows(model.config().vocabSize());
    Tensor kl = engine.empty(DType.F32, Shape.of(count));
    Tensor variation = engine.empty(DType.F32, Shape.of(count));
    for (int start = 0; start < count; start += rows) {
      int length = Math.min(rows, count - start);
      try (Scope _ = engine.scope("activations")) {
        Tensor p = model.logits(one.narrow(0, start, length)).logSoftmax();
        Tensor q = model.logits(other.narrow(0, start, length)).logSoftmax();
        put(p.exp().mul(p.sub(q)).sum(-1), kl.narrow(0, start, length));
        put(p.exp().sub(q.exp()).abs().sum(-1).mul(0.5), variation.narrow(0, start, length));
      }
    }
    return List.of(kl, variation);
  }

  private static void put(Tensor values, Tensor place) {
    values.engine().emit(new Instruction.Copy(values.buffer(), Output.to(place.buffer())));
  }

  /**
   * Flips every bit of a batch's plans.
   *
   * @param chosen [B·T]
   * @param counts [B·T], 1 where the plan counts, else 0
   * @param firstExample number of the text in row 0: it decides where single bits are flipped
   */
  void add(int[] chosen, float[] counts, long firstExample) {
    plans.set(chosen);
    for (int h = 0; h < bits; h++) {
      int mask = 1 << h;
      Moved moved = move(Arrays.stream(chosen).map(plan -> plan ^ mask).toArray());
      for (int i = 0; i < chosen.length; i++) {
        everywhere.add(h, counts[i], moved, i, 0);
      }
      flipOnce(chosen, counts, firstExample, h);
    }
  }

  private void flipOnce(int[] chosen, float[] counts, long firstExample, int bit) {
    int[] changed = chosen.clone();
    int[] at = new int[chosen.length / length];
    int[] words = new int[ExampleRandom.BLOCK];
    for (int row = 0; row < at.length; row++) {
      places.block(firstExample + row, bit, words);
      at[row] = row * length + Math.floorMod(words[0], length);
      changed[at[row]] ^= 1 << bit;
    }
    Moved moved = move(changed);
    for (int row = 0; row < at.length; row++) {
      double after = 0;
      for (int i = at[row] + 1; i < (row + 1) * length; i++) {
        after += counts[i] * moved.kl[i];
      }
      once.add(bit, counts[at[row]], moved, at[row], after);
    }
  }

  /** How far each position's distribution moved, [B·T]. */
  @SuppressWarnings("ArrayRecordComponent") // Read at once; equality means nothing.
  private record Moved(float[] kl, float[] variation) {}

  private Moved move(int[] to) {
    flipped.set(to);
    compare.run();
    float[] kl = compare.outputs().get(0).toFloats();
    Finite.require("divergence of the next token's distributions", kl);
    return new Moved(kl, compare.outputs().get(1).toFloats());
  }

  /** What was seen of each bit [H]; NaN if no plan was counted. */
  List<Effect> effects() {
    List<Effect> effects = new ArrayList<>();
    for (int h = 0; h < bits; h++) {
      effects.add(new Effect(everywhere.shift(h), once.shift(h), once.klAfter[h] / once.weight[h]));
    }
    return effects;
  }

  @Override
  public void close() {
    resources.close();
  }

  /** Sums over positions, by bit. */
  private static final class Sums {
    private final double[] weight;
    private final double[] kl;
    private final double[] variation;
    private final double[] klAfter;

    Sums(int bits) {
      weight = new double[bits];
      kl = new double[bits];
      variation = new double[bits];
      klAfter = new double[bits];
    }

    void add(int bit, double count, Moved moved, int position, double after) {
      weight[bit] += count;
      kl[bit] += count * moved.kl[position];
      variation[bit] += count * moved.variation[position];
      klAfter[bit] += count * after;
    }

    Shift shift(int bit) {
      return new Shift(kl[bit] / weight[bit], variation[bit] / weight[bit]);
    }
  }
}

package org.freetransformer.eval;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import org.freetransformer.data.Batch;
import org.freetransformer.nn.Resources;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;

/** Where a recorded program finds its batch: filled anew before every run. */
public final class BatchTensors implements AutoCloseable {
  private final Tensor tokens;
  private final Tensor targets;
  private final Tensor planCounts;
  private final Tensor positions;
  private final Resources resources;

  /** Room for B = {@code size} examples of T = {@code length} tokens. */
  public BatchTensors(Engine engine, int size, int length) {
    Shape shape = Shape.of(size, length);
    try (Resources parts = new Resources()) {
      tokens = parts.add(engine.allocate("inputs", DType.I32, shape));
      targets = parts.add(engine.allocate("inputs", DType.I32, shape));
      planCounts = parts.add(engine.allocate("inputs", DType.F32, shape));
      positions = parts.add(engine.allocate("inputs", DType.I32, Shape.of(length)));
      resources = parts.keep();
    }
    int[] places = new int[length];
    Arrays.setAll(places, t -> t);
    positions.set(places);
  }

  /** Copies a batch of this size to the device. */
  public void set(Batch batch) {
    tokens.set(batch.tokens());
    targets.set(batch.targets());
    planCounts.set(planCounts(batch));
  }

  /**
   * Begins to bring a batch of this size to the device while a program may run on the one before;
   * any thread may call this.
   *
   * @return makes it the batch of the runs that follow; for the engine's thread, once
   */
  public Runnable setAhead(Batch batch) {
    return tokens
        .engine()
        .setAhead(
            Map.of(
                tokens,
                MemorySegment.ofArray(batch.tokens()),
                targets,
                MemorySegment.ofArray(batch.targets()),
                planCounts,
                MemorySegment.ofArray(planCounts(batch))));
  }

  /**
   * 1 for every position whose plan counts, else 0: a plan counts when a counted target stands at
   * or after it, because the decoder is causal and the plan can help no other.
   */
  public static float[] planCounts(Batch batch) {
    float[] counts = new float[batch.size() * batch.length()];
    for (int row = 0; row < batch.size(); row++) {
      int start = row * batch.length();
      Arrays.fill(counts, start, start + countedPlans(batch, row), 1);
    }
    return counts;
  }

  /** Number of positions of a batch whose plan counts. */
  public static int countedPlans(Batch batch) {
    int counted = 0;
    for (int row = 0; row < batch.size(); row++) {
      counted += countedPlans(batch, row);
    }
    return counted;
  }

  /** Positions up to a row's last counted target. */
  static int countedPlans(Batch batch, int row) {
    int counted = batch.length();
    while (counted > 0 && batch.targets()[row * batch.length() + counted - 1] == Batch.IGNORE) {
      counted--;
    }
    return counted;
  }

  /** Inputs, i32 [B, T]. */
  public Tensor tokens() {
    return tokens;
  }

  /** Targets, i32 [B, T]. */
  public Tensor targets() {
    return targets;
  }

  /** 1 where the plan counts, f32 [B, T]. */
  public Tensor planCounts() {
    return planCounts;
  }

  /** Where the tokens stand. */
  public Sequence sequence() {
    return Sequence.whole(positions);
  }

  @Override
  public void close() {
    resources.close();
  }
}

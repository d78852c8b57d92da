package org.freetransformer.tensor.ops;

import java.util.Arrays;
import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.UnaryFunction;

/**
 * From plan logits to a discrete plan and back (the paper's binary mapper): H independent bits with
 * p_h = σ(logit_h) make one of C = 2^H plans, z = Σ_h b_h·2^h. The value is the sampled plan; the
 * gradient is that of the expectation over all plans.
 */
public final class BinaryMapperOp {
  /** The most bits that a plan may have. */
  public static final int MAX_BITS = 20;

  private static final String NAME = "binary mapper";

  private BinaryMapperOp() {}

  /**
   * Draws one plan index per position; no gradient flows through the index itself.
   *
   * @param logits [.., H], H from 1 to 20
   * @param threshold whether bit h is simply p_h > ½ instead of a draw
   * @return i32 [..], each from 0 to 2^H − 1
   */
  public static Tensor sample(Tensor logits, boolean threshold) {
    checkBits(logits);
    Engine engine = logits.engine();
    Tensor rows = logits.contiguous();
    Tensor indices = engine.empty(DType.I32, Check.leading(logits.shape()));
    engine.emit(
        new Instruction.SamplePlan(
            Rows.of(NAME, rows.buffer()),
            threshold ? null : engine.random().state(),
            threshold ? 0 : engine.random().nextSalt(),
            Rows.list(NAME, indices.buffer())));
    return indices;
  }

  /**
   * The plan's row of a table, r = table[z], with the gradient that goes to the logits through the
   * probabilities of all plans ({@code full}: Σ_d ⟨dr, table_d⟩·G_d·(b_h(d) − p_h)) or of the
   * sampled one alone. The table gets the gradient of row z.
   *
   * @param logits [.., H]
   * @param indices i32 [..], from {@link #sample} of these logits
   * @param table [2^H, D]
   * @return [.., D]
   */
  public static Tensor lookUp(Tensor logits, Tensor indices, Tensor table, boolean full) {
    checkBits(logits);
    checkPlans(logits, indices);
    Check.together(NAME, logits, table);
    Check.that(
        table.shape().rank() == 2 && table.dim(0) == 1 << logits.dim(-1),
        NAME,
        "the table must have 2^H rows for logits [.., H]",
        logits,
        table);
    return lookUpRows(logits.contiguous(), indices.contiguous(), table.contiguous(), full);
  }

  private static Tensor lookUpRows(Tensor logits, Tensor indices, Tensor table, boolean full) {
    Engine engine = logits.engine();
    Buffer plans = Rows.list(NAME, indices.buffer());
    Tensor y = engine.empty(table.dtype(), logits.shape().with(-1, table.dim(1)));
    engine.emit(
        new Instruction.Gather(table.buffer(), plans, Output.to(Rows.of(NAME, y.buffer()))));
    return Node.attach(
        y,
        List.of(logits, table),
        (dy, gradients) -> {
          Buffer dr = Rows.of(NAME, dy.buffer());
          if (gradients.wants(logits)) {
            Output dlogits = Rows.of(NAME, gradients.into(logits));
            engine.emit(
                new Instruction.BinaryMapperBackward(
                    Rows.of(NAME, logits.buffer()), plans, dr, table.buffer(), full, dlogits));
          }
          if (gradients.wants(table)) {
            engine.emit(new Instruction.ScatterAdd(dr, plans, gradients.accumulator(table)));
          }
        });
  }

  /**
   * The plan's bits as −1 and +1, [.., H]. The gradient is that of their expectation, dlogit_h =
   * 2·p_h·(1 − p_h)·dbit_h, which for what follows linearly is the same sum over all plans.
   */
  public static Tensor bits(Tensor logits, Tensor indices) {
    checkBits(logits);
    checkPlans(logits, indices);
    Engine engine = logits.engine();
    Tensor y = engine.empty(logits.dtype(), logits.shape());
    emitBits(indices, y);
    return Node.attach(
        y,
        List.of(logits),
        (dy, gradients) -> {
          Tensor twice = dy.mul(2);
          engine.emit(
              new Instruction.UnaryBackward(
                  UnaryFunction.SIGMOID, logits.buffer(), twice.buffer(), gradients.into(logits)));
        });
  }

  /** The bits of given plans, without logits: i32 [..] to [.., H] of −1 and +1; no gradient. */
  public static Tensor bits(Tensor indices, int count, DType type) {
    Check.integers(NAME, indices);
    Check.that(
        count >= 1 && count <= MAX_BITS && type.isFloating(),
        NAME,
        "%d bits of %s: allowed are 1 to %d, of a floating type".formatted(count, type, MAX_BITS),
        indices);
    int[] dims = Arrays.copyOf(indices.shape().toArray(), indices.shape().rank() + 1);
    dims[dims.length - 1] = count;
    Engine engine = indices.engine();
    Tensor y = engine.empty(type, Shape.of(dims));
    emitBits(indices, y);
    return y;
  }

  private static void emitBits(Tensor indices, Tensor y) {
    Buffer plans = Rows.list(NAME, indices.contiguous().buffer());
    y.engine().emit(new Instruction.PlanBits(plans, Output.to(Rows.of(NAME, y.buffer()))));
  }

  private static void checkBits(Tensor logits) {
    Check.floating(NAME, logits);
    boolean fits = logits.shape().rank() >= 1 && logits.dim(-1) >= 1 && logits.dim(-1) <= MAX_BITS;
    Check.that(fits, NAME, "logits must be [.., H] with H from 1 to 20", logits);
  }

  private static void checkPlans(Tensor logits, Tensor indices) {
    Check.integers(NAME, indices);
    Check.engine(NAME, logits, indices);
    boolean fits = indices.shape().equals(Check.leading(logits.shape()));
    Check.that(fits, NAME, "logits [.., H] need indices [..]", logits, indices);
  }
}

package org.freetransformer.tensor.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Precision;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.WeightCopies;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.ops.DropoutOp;
import org.freetransformer.tensor.ops.MatMulOp;
import org.freetransformer.tensor.ops.RmsNormOp;
import org.freetransformer.tensor.ops.SwiGluOp;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RecomputationTest {
  private static final int WIDTH = 24;
  private static final int LAYERS = 5;

  private final Engine engine = Engine.on(Devices.cpu(2));

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(engine.device().memory().liveBytes()).isZero();
  }

  /** Leaves: an input, a scale, and a weight for each layer. */
  private List<Tensor> leaves() {
    Random random = new Random(5);
    List<Tensor> leaves = new ArrayList<>();
    leaves.add(leaf(random, 7, WIDTH));
    leaves.add(leaf(random, WIDTH));
    for (int i = 0; i < LAYERS; i++) {
      leaves.add(leaf(random, WIDTH, WIDTH));
    }
    return leaves;
  }

  private Tensor leaf(Random random, int... dims) {
    Tensor leaf = engine.allocate("test", DType.F32, Shape.of(dims));
    float[] values = new float[Math.toIntExact(leaf.shape().size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return leaf.set(values).requireGrad();
  }

  /**
   * Layers that read their input twice, drop some of it, and share a scale; the last reads both.
   */
  private static Tensor loss(List<Tensor> leaves) {
    Tensor first = leaves.getFirst();
    Tensor scale = leaves.get(1);
    Tensor x = first;
    for (int i = 0; i < LAYERS; i++) {
      Tensor weight = leaves.get(2 + i);
      boolean last = i == LAYERS - 1;
      x =
          Recomputation.of(
              last ? List.of(x, first, x) : List.of(x), inputs -> layer(inputs, scale, weight));
      x = x.add(first.mul(0.5));
    }
    return x.square().sum();
  }

  private static Tensor layer(List<Tensor> inputs, Tensor scale, Tensor weight) {
    Tensor x = inputs.getFirst();
    Tensor normed = RmsNormOp.rmsNorm(x, scale, 1e-6);
    Tensor y = MatMulOp.linearInFull(normed, weight).silu();
    for (Tensor other : inputs) {
      // A segment within the segment.
      y = Recomputation.of(List.of(y, other), both -> both.getFirst().add(both.getLast().tanh()));
    }
    return x.add(DropoutOp.dropout(y, 0.3));
  }

  private List<float[]> eager(boolean recomputing) {
    List<Tensor> leaves = leaves();
    engine.random().seed(3);
    try (var _ = engine.scope("test");
        Engine.Mode _ = engine.recomputation(recomputing)) {
      loss(leaves).backward();
      // The numbers of what comes after must not depend on it either.
      Tensor after = DropoutOp.dropout(engine.ones(100), 0.5);
      List<float[]> found = gradients(leaves);
      found.add(after.toFloats());
      return found;
    } finally {
      leaves.forEach(Tensor::close);
    }
  }

  private record Recorded(List<float[]> gradients, long arenaBytes) {}

  private Recorded recorded(boolean recomputing, Precision precision) {
    List<Tensor> leaves = leaves();
    engine.random().seed(3);
    try (WeightCopies copies = new WeightCopies(engine, precision)) {
      Program program;
      try (Engine.Mode _ = engine.recomputation(recomputing);
          Engine.Mode _ = engine.mixedPrecision(copies)) {
        program =
            Program.record(
                engine,
                () -> {
                  loss(leaves).backward();
                  return List.of();
                });
      }
      copies.refresh();
      try (program) {
        program.run();
        return new Recorded(gradients(leaves), program.arenaBytes());
      }
    } finally {
      leaves.forEach(Tensor::close);
    }
  }

  private static List<float[]> gradients(List<Tensor> leaves) {
    List<float[]> gradients = new ArrayList<>();
    leaves.forEach(leaf -> gradients.add(Objects.requireNonNull(leaf.grad()).toFloats()));
    return gradients;
  }

  private static void requireSame(List<float[]> found, List<float[]> expected) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(found.get(i)).as("leaf %d", i).isEqualTo(expected.get(i));
    }
  }

  @Test
  void givesTheSameGradientsToTheBit() {
    requireSame(eager(true), eager(false));
  }

  @Test
  void aRecordedProgramGivesThemInLessMemory() {
    for (Precision precision : Precision.values()) {
      Recorded kept = recorded(false, precision);
      Recorded again = recorded(true, precision);
      requireSame(again.gradients(), kept.gradients());
      assertThat(again.arenaBytes()).as("%s", precision).isLessThan(kept.arenaBytes() * 9 / 10);
    }
  }

  /** Norms and SwiGLU, without asking: a program then holds gate, up and x of each layer alone. */
  @Test
  void whatIsCheapIsComputedAgainInEveryProgram() {
    int rows = 50;
    int inner = 4 * WIDTH;
    Random random = new Random(6);
    Tensor input = leaf(random, rows, WIDTH);
    Tensor scale = leaf(random, WIDTH);
    Tensor in = leaf(random, inner, WIDTH);
    Tensor out = leaf(random, WIDTH, inner);
    List<Tensor> leaves = List.of(input, scale, in, out);
    Runnable backward =
        () -> {
          Tensor x = input;
          for (int i = 0; i < 2 * LAYERS; i++) {
            Tensor normed = RmsNormOp.rmsNorm(x, scale, 1e-6);
            Tensor gate = MatMulOp.linear(normed, in);
            Tensor up = MatMulOp.linear(normed, in);
            x = x.add(MatMulOp.linear(SwiGluOp.swiGlu(gate, up), out));
          }
          x.square().sum().backward();
        };
    try (var _ = engine.scope("test")) {
      backward.run();
    }
    List<float[]> expected = gradients(leaves);
    for (Tensor leaf : leaves) {
      Tensor gradient = Objects.requireNonNull(leaf.grad());
      gradient.set(new float[gradient.toFloats().length]);
    }
    try (Program program =
        Program.record(
            engine,
            () -> {
              backward.run();
              return List.of();
            })) {
      program.run();
      requireSame(gradients(leaves), expected);
      long layer = 4L * rows * (WIDTH + 2 * inner);
      assertThat(program.arenaBytes()).isLessThan((2 * LAYERS + 1) * layer);
    }
    leaves.forEach(Tensor::close);
  }

  @Test
  void aGradientThatIsKeptIsNotOverwritten() {
    Tensor leaf = leaf(new Random(4), 3);
    try (var _ = engine.scope("test");
        Engine.Mode _ = engine.recomputation(true)) {
      Tensor y =
          Recomputation.of(
                  List.of(leaf),
                  inputs -> {
                    Tensor twice = inputs.getFirst().mul(2);
                    return twice.square().add(twice);
                  })
              .retainGrad();
      y.sum().backward();
      assertThat(Objects.requireNonNull(y.grad()).toFloats()).containsOnly(1f);
    }
    leaf.close();
  }

  @Test
  void aSegmentThatPassesSomethingOnPassesItsGradientOn() {
    Tensor input = leaf(new Random(4), 3);
    Tensor other = leaf(new Random(5), 3);
    try (var _ = engine.scope("test");
        Engine.Mode _ = engine.recomputation(true)) {
      // A rate of 0 gives the input itself.
      Tensor same =
          Recomputation.of(List.of(input), inputs -> DropoutOp.dropout(inputs.getFirst(), 0));
      Tensor inner = Recomputation.of(List.of(input.mul(3)), inputs -> inputs.getFirst());
      Tensor constant = Recomputation.of(List.of(input), _ -> other);
      same.mul(2).add(inner).add(constant.mul(5)).sum().backward();
    }
    assertThat(Objects.requireNonNull(input.grad()).toFloats()).containsOnly(5f);
    assertThat(Objects.requireNonNull(other.grad()).toFloats()).containsOnly(5f);
    input.close();
    other.close();
  }

  @Test
  void inputsWithoutGradientLoseNothing() {
    Tensor weight = leaf(new Random(2), 3, 4);
    try (var _ = engine.scope("test");
        Engine.Mode _ = engine.recomputation(true)) {
      Tensor constant = engine.ones(2, 4);
      Recomputation.of(List.of(constant), inputs -> MatMulOp.linear(inputs.getFirst(), weight))
          .sum()
          .backward();
      assertThat(Objects.requireNonNull(weight.grad()).toFloats()).containsOnly(2f);
    }
    weight.close();
  }
}

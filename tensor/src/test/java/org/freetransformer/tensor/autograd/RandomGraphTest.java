package org.freetransformer.tensor.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;

/**
 * Random graphs in which gradients are passed on without copies: sums, views, joins and repeated
 * use. Wherever one tensor's gradient took over memory that another still needed, differences tell.
 */
class RandomGraphTest {
  private static final int ROWS = 2;
  private static final int COLUMNS = 3;

  /** Makes the same graph at every call; some of its tensors keep their gradient. */
  private static Tensor graph(long seed, List<Tensor> leaves, boolean retain) {
    Random random = new Random(seed);
    List<Tensor> tensors = new ArrayList<>(leaves);
    for (int i = 0; i < 12; i++) {
      Tensor a = tensors.get(random.nextInt(tensors.size()));
      Tensor b = tensors.get(random.nextInt(tensors.size()));
      Tensor next = combine(random.nextInt(10), a, b);
      boolean keeps = random.nextInt(3) == 0;
      tensors.add(retain && keeps ? next.retainGrad() : next);
    }
    Tensor sum = tensors.getLast();
    for (int i = 0; i < 4; i++) {
      sum = sum.add(tensors.get(random.nextInt(tensors.size())));
    }
    return sum.mul(sum.narrow(0, 1, 1)).sum();
  }

  /** Every operation maps [2, 3] to [2, 3]. */
  private static Tensor combine(int operation, Tensor a, Tensor b) {
    return switch (operation) {
      case 0, 1 -> a.add(b);
      case 2 -> a.sub(b);
      case 3 -> a.reshape(COLUMNS, ROWS).transpose(0, 1);
      case 4 -> a.reshape(-1).reshape(ROWS, COLUMNS);
      case 5 -> Tensor.concat(0, List.of(a.narrow(0, 1, 1), b.narrow(0, 0, 1)));
      case 6 -> a.add(b.narrow(1, 1, 1)).add(a);
      case 7 -> a.mul(b.tanh());
      case 8 -> a.sum(0, true).broadcastTo(ROWS, COLUMNS).add(b.contiguous());
      case 9 -> a.transpose(0, 1).contiguous().add(1).transpose(0, 1);
      default -> throw new AssertionError(operation);
    };
  }

  @Test
  void gradientsAgreeWithDifferences() {
    for (long seed = 0; seed < 150; seed++) {
      try (Engine engine = Engine.on(Devices.scalar())) {
        List<Tensor> leaves = leaves(engine, seed);
        long graph = seed;
        GradientCheck.Report report =
            GradientCheck.standard()
                .compare(() -> graph(graph, leaves, true), leaves.toArray(Tensor[]::new));
        assertThat(report.passed()).as("seed %d: %s", seed, report).isTrue();
      }
    }
  }

  @Test
  void keepingGradientsChangesNone() {
    for (long seed = 0; seed < 50; seed++) {
      try (Engine engine = Engine.on(Devices.scalar())) {
        List<Tensor> leaves = leaves(engine, seed);
        try (Scope _ = engine.scope("step")) {
          graph(seed, leaves, false).backward();
        }
        List<double[]> plain = new ArrayList<>();
        for (Tensor leaf : leaves) {
          Tensor gradient = leaf.grad();
          plain.add(gradient == null ? new double[0] : gradient.toDoubles());
          leaf.setGrad(null);
        }
        graph(seed, leaves, true).backward();
        for (int i = 0; i < leaves.size(); i++) {
          if (plain.get(i).length > 0) {
            Tensor gradient = Objects.requireNonNull(leaves.get(i).grad());
            assertThat(gradient.toDoubles()).containsExactly(plain.get(i));
          }
        }
      }
    }
  }

  private static List<Tensor> leaves(Engine engine, long seed) {
    Random random = new Random(seed + 1000);
    List<Tensor> leaves = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      double[] values = random.doubles(ROWS * (long) COLUMNS, -1, 1).toArray();
      leaves.add(engine.tensor(values, ROWS, COLUMNS).requireGrad());
    }
    return leaves;
  }
}

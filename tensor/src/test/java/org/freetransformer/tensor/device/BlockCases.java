package org.freetransformer.tensor.device;

import java.util.Arrays;
import java.util.function.Supplier;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Instruction.CrossEntropy;
import org.freetransformer.tensor.device.Instruction.CrossEntropyBackward;
import org.freetransformer.tensor.device.Instruction.RmsNorm;
import org.freetransformer.tensor.device.Instruction.RmsNormBackward;
import org.freetransformer.tensor.device.Instruction.Rope;
import org.freetransformer.tensor.device.Instruction.Softmax;
import org.freetransformer.tensor.device.Instruction.SoftmaxBackward;
import org.freetransformer.tensor.device.Instruction.SwiGlu;
import org.freetransformer.tensor.device.Instruction.SwiGluBackward;
import org.freetransformer.tensor.device.RandomInstructions.Case;
import org.jspecify.annotations.Nullable;

/** Random instructions of a transformer block that work on rows, attention apart. */
final class BlockCases {
  private static final int IGNORED = -100;

  private BlockCases() {}

  static Case softmax(Operands o) {
    int[] dims = rowDims(o);
    DType dtype = o.floating();
    Buffer in = o.of(dtype, o.contiguous(dims), o.logits(Shape.of(dims).size()));
    Output out = o.output(dtype, o.contiguous(dims));
    return new Case(new Softmax(in, o.chance(0.5), out), 8);
  }

  static Case softmaxBackward(Operands o) {
    int[] dims = rowDims(o);
    DType dtype = o.floating();
    boolean logarithm = o.chance(0.5);
    double[] y = o.logits(Shape.of(dims).size());
    int columns = dims[dims.length - 1];
    double[] lse = logSumExp(y, columns);
    Arrays.setAll(y, i -> logarithm ? y[i] - lse[i / columns] : Math.exp(y[i] - lse[i / columns]));
    Buffer dy = o.of(dtype, o.contiguous(dims));
    Output dx = o.output(dtype, o.contiguous(dims));
    // ln y of −100 carries an error of 100 roundings.
    return new Case(
        new SoftmaxBackward(o.of(dtype, o.contiguous(dims), y), dy, logarithm, dx),
        16 + columns / 4);
  }

  static Case rmsNorm(Operands o) {
    int[] dims = rowDims(o);
    DType dtype = o.floating();
    Buffer x = o.of(dtype, o.contiguous(dims));
    Buffer weight = o.of(dtype, o.contiguous(dims[dims.length - 1]));
    Output out = o.output(o.types(dtype).get(), o.contiguous(dims));
    Buffer rstd = o.blank(dtype, o.contiguous(rows(dims)));
    return new Case(new RmsNorm(x, weight, 1e-6, out, rstd), 16);
  }

  static Case rmsNormBackward(Operands o) {
    int[] dims = rowDims(o);
    int columns = dims[dims.length - 1];
    int rows = rows(dims);
    DType dtype = o.floating();
    double[] x = o.normal((long) rows * columns);
    double[] rstd = new double[rows];
    for (int n = 0; n < rows; n++) {
      double squares = 0;
      for (int d = 0; d < columns; d++) {
        squares += x[n * columns + d] * x[n * columns + d];
      }
      rstd[n] = 1 / Math.sqrt(squares / columns + 0.01);
    }
    int wanted = o.between(1, 3);
    @Nullable Output dx = (wanted & 1) == 0 ? null : o.output(dtype, o.contiguous(dims));
    @Nullable Output dweight = (wanted & 2) == 0 ? null : o.output(dtype, o.contiguous(columns));
    return new Case(
        new RmsNormBackward(
            o.of(dtype, o.contiguous(dims), x),
            o.of(dtype, o.contiguous(columns)),
            o.of(dtype, o.contiguous(rows), rstd),
            o.of(o.types(dtype).get(), o.contiguous(dims)),
            dx,
            dweight),
        32 + rows);
  }

  static Case rope(Operands o) {
    int batch = o.count(5);
    int time = o.count(17);
    int heads = o.size(3);
    int size = 2 * o.size(33);
    int places = o.size(131);
    DType dtype = o.floating();
    Supplier<DType> types = o.types(dtype);
    double[] table = new double[places * size];
    for (int p = 0; p < places; p++) {
      for (int d = 0; d < size / 2; d++) {
        double angle = p / Math.pow(100, 2.0 * d / size);
        table[p * size + d] = Math.cos(angle);
        table[p * size + size / 2 + d] = Math.sin(angle);
      }
    }
    var positions = o.broadcast(batch, time);
    return new Case(
        new Rope(
            o.of(types.get(), o.rows(batch, time, heads, size)),
            o.of(DType.I32, positions, o.integers((long) batch * time, 0, places - 1)),
            o.of(dtype, o.contiguous(places, size), table),
            o.chance(0.5),
            o.output(types.get(), o.rows(batch, time, heads, size))),
        4);
  }

  static Case swiGlu(Operands o) {
    int[] dims = rowDims(o);
    Supplier<DType> types = o.types();
    Buffer gate = o.of(types.get(), o.contiguous(dims), o.logits(Shape.of(dims).size()));
    Buffer up = o.of(types.get(), o.contiguous(dims));
    return new Case(new SwiGlu(gate, up, o.output(types.get(), o.contiguous(dims))), 8);
  }

  static Case swiGluBackward(Operands o) {
    int[] dims = rowDims(o);
    Supplier<DType> types = o.types();
    Buffer gate = o.of(types.get(), o.contiguous(dims), o.logits(Shape.of(dims).size()));
    Buffer up = o.of(types.get(), o.contiguous(dims));
    Buffer dy = o.of(types.get(), o.contiguous(dims));
    int wanted = o.between(1, 3);
    @Nullable Output dgate = (wanted & 1) == 0 ? null : o.output(types.get(), o.contiguous(dims));
    @Nullable Output dup = (wanted & 2) == 0 ? null : o.output(types.get(), o.contiguous(dims));
    return new Case(new SwiGluBackward(gate, up, dy, dgate, dup), 32);
  }

  static Case crossEntropy(Operands o) {
    int rows = o.count(65);
    int columns = o.size(131);
    DType dtype = o.floating();
    Buffer logits = o.of(dtype, o.contiguous(rows, columns), o.logits((long) rows * columns));
    Buffer losses = o.blank(dtype, o.contiguous(rows));
    Buffer lse = o.blank(dtype, o.contiguous(rows));
    // A loss near 0 is a difference of two numbers of up to 100.
    return new Case(new CrossEntropy(logits, targets(o, rows, columns), IGNORED, losses, lse), 64);
  }

  static Case crossEntropyBackward(Operands o) {
    int rows = o.count(65);
    int columns = o.size(131);
    DType dtype = o.floating();
    double[] logits = o.logits((long) rows * columns);
    double[] lse = logSumExp(logits, columns);
    return new Case(
        new CrossEntropyBackward(
            o.of(dtype, o.contiguous(rows, columns), logits),
            targets(o, rows, columns),
            IGNORED,
            o.of(dtype, o.contiguous(rows), lse),
            o.of(dtype, o.contiguous(rows)),
            o.output(dtype, o.contiguous(rows, columns))),
        64);
  }

  private static Buffer targets(Operands o, int rows, int columns) {
    double[] targets = o.integers(rows, 0, columns - 1);
    for (int n = 0; n < rows; n++) {
      targets[n] = o.chance(0.2) ? IGNORED : targets[n];
    }
    return o.of(DType.I32, o.contiguous(rows), targets);
  }

  /** The logarithm of the sum of exponentials of each row. */
  private static double[] logSumExp(double[] values, int columns) {
    double[] lse = new double[values.length / columns];
    for (int n = 0; n < lse.length; n++) {
      double[] row = Arrays.copyOfRange(values, n * columns, (n + 1) * columns);
      double max = Arrays.stream(row).max().orElseThrow();
      lse[n] = max + Math.log(Arrays.stream(row).map(x -> Math.exp(x - max)).sum());
    }
    return lse;
  }

  /** One to three dimensions, the last at least 1. */
  private static int[] rowDims(Operands o) {
    int columns = o.chance(0.05) ? o.between(500, 1500) : o.size(131);
    return switch (o.between(0, 2)) {
      case 0 -> new int[] {columns};
      case 1 -> new int[] {o.count(65), columns};
      default -> new int[] {o.count(7), o.count(13), columns};
    };
  }

  private static int rows(int[] dims) {
    int rows = 1;
    for (int i = 0; i < dims.length - 1; i++) {
      rows *= dims[i];
    }
    return rows;
  }
}

package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.Instruction.Softmax;
import org.freetransformer.tensor.device.Instruction.SoftmaxBackward;
import org.freetransformer.tensor.device.Kernel;

/** Softmax of every row, or its logarithm, through the logarithm of the sum of exponentials. */
final class ScalarSoftmax {
  private ScalarSoftmax() {}

  /** {@code ln Σ e^x} over the first {@code count} values, less the largest first: no overflow. */
  static double logSumExp(double[] values, int count) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      max = Math.max(max, values[i]);
    }
    if (max == Double.NEGATIVE_INFINITY) {
      return max;
    }
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += Math.exp(values[i] - max);
    }
    return max + Math.log(sum);
  }

  static Kernel forward(Softmax op) {
    Elements in = new Elements(op.in());
    Result out = new Result(op.out());
    boolean logarithm = op.logarithm();
    int rows = in.rows();
    int columns = in.columns();
    double[] x = new double[columns];
    return () -> {
      for (int n = 0; n < rows; n++) {
        long first = (long) n * columns;
        in.load(first, x, columns);
        double lse = logSumExp(x, columns);
        for (int d = 0; d < columns; d++) {
          x[d] = logarithm ? x[d] - lse : Math.exp(x[d] - lse);
        }
        out.putRow(first, x, columns);
      }
    };
  }

  static Kernel backward(SoftmaxBackward op) {
    Elements yElements = new Elements(op.y());
    Elements dyElements = new Elements(op.dy());
    Result dx = new Result(op.dx());
    boolean logarithm = op.logarithm();
    int rows = yElements.rows();
    int columns = yElements.columns();
    double[] y = new double[columns];
    double[] dy = new double[columns];
    return () -> {
      for (int n = 0; n < rows; n++) {
        long first = (long) n * columns;
        yElements.load(first, y, columns);
        dyElements.load(first, dy, columns);
        double sum = 0;
        for (int d = 0; d < columns; d++) {
          sum += logarithm ? dy[d] : y[d] * dy[d];
        }
        for (int d = 0; d < columns; d++) {
          double gradient = logarithm ? dy[d] - Math.exp(y[d]) * sum : y[d] * (dy[d] - sum);
          dx.put(first + d, gradient);
        }
      }
    };
  }
}

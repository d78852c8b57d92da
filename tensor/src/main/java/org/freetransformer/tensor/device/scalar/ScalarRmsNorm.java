package org.freetransformer.tensor.device.scalar;

import java.util.Arrays;
import org.freetransformer.tensor.device.Instruction.RmsNorm;
import org.freetransformer.tensor.device.Instruction.RmsNormBackward;
import org.freetransformer.tensor.device.Kernel;
import org.jspecify.annotations.Nullable;

/** Rows divided by their root mean square, times a weight per column. */
final class ScalarRmsNorm {
  private ScalarRmsNorm() {}

  static Kernel forward(RmsNorm op) {
    Elements xElements = new Elements(op.x());
    Elements weight = new Elements(op.weight());
    Elements rstds = new Elements(op.rstd());
    Result out = new Result(op.out());
    double epsilon = op.epsilon();
    int rows = xElements.rows();
    int columns = xElements.columns();
    double[] x = new double[columns];
    return () -> {
      for (int n = 0; n < rows; n++) {
        long first = (long) n * columns;
        xElements.load(first, x, columns);
        double squares = 0;
        for (int d = 0; d < columns; d++) {
          squares += x[d] * x[d];
        }
        double rstd = 1 / Math.sqrt(squares / columns + epsilon);
        rstds.set(n, rstd);
        for (int d = 0; d < columns; d++) {
          out.put(first + d, x[d] * rstd * weight.get(d));
        }
      }
    };
  }

  static Kernel backward(RmsNormBackward op) {
    Elements xElements = new Elements(op.x());
    Elements dyElements = new Elements(op.dy());
    Elements weightElements = new Elements(op.weight());
    Elements rstds = new Elements(op.rstd());
    @Nullable Result dx = op.dx() == null ? null : new Result(op.dx());
    @Nullable Result dweight = op.dweight() == null ? null : new Result(op.dweight());
    int rows = xElements.rows();
    int columns = xElements.columns();
    double[] x = new double[columns];
    double[] dy = new double[columns];
    double[] weight = new double[columns];
    double[] weightSums = new double[columns];
    return () -> {
      weightElements.load(0, weight, columns);
      Arrays.fill(weightSums, 0);
      for (int n = 0; n < rows; n++) {
        long first = (long) n * columns;
        xElements.load(first, x, columns);
        dyElements.load(first, dy, columns);
        double rstd = rstds.get(n);
        double dot = 0;
        for (int d = 0; d < columns; d++) {
          dot += dy[d] * weight[d] * x[d];
          weightSums[d] += dy[d] * x[d] * rstd;
        }
        if (dx != null) {
          double correction = rstd * rstd * dot / columns;
          for (int d = 0; d < columns; d++) {
            dx.put(first + d, rstd * (dy[d] * weight[d] - x[d] * correction));
          }
        }
      }
      if (dweight != null) {
        dweight.putRow(0, weightSums, columns);
      }
    };
  }
}

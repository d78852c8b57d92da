package org.freetransformer.tensor.device.scalar;

import java.util.Arrays;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.freetransformer.tensor.device.Kernel;

/** {@code out[m, n] = alpha · Σ_k a[m, k] · b[k, n]}, for every matrix of the batch. */
final class ScalarMatMul {
  /** Columns of b that are held as doubles at a time. */
  private static final int TILE = 64;

  private final Elements a;
  private final Elements b;
  private final Result out;
  private final double alpha;
  private final int batch;
  private final int m;
  private final int n;
  private final int k;
  private final double[] row;
  private final double[] columns;
  private final double[] line = new double[TILE];
  private final double[] sums = new double[TILE];

  private ScalarMatMul(MatMul op) {
    this.a = new Elements(op.a());
    this.b = new Elements(op.b());
    this.out = new Result(op.out());
    this.alpha = op.alpha();
    this.m = a.dim(-2);
    this.k = a.dim(-1);
    this.n = b.dim(-1);
    this.batch = m == 0 ? 0 : a.rows() / m;
    this.row = new double[k];
    this.columns = new double[Math.multiplyExact(k, TILE)];
  }

  static Kernel of(MatMul op) {
    return new ScalarMatMul(op)::run;
  }

  private void run() {
    for (int matrix = 0; matrix < batch; matrix++) {
      for (int n0 = 0; n0 < n; n0 += TILE) {
        multiply(matrix, n0, Math.min(TILE, n - n0));
      }
    }
  }

  private void multiply(int matrix, int n0, int width) {
    for (int kk = 0; kk < k; kk++) {
      b.load(((long) matrix * k + kk) * n + n0, line, width);
      System.arraycopy(line, 0, columns, kk * TILE, width);
    }
    for (int mm = 0; mm < m; mm++) {
      a.load(((long) matrix * m + mm) * k, row, k);
      Arrays.fill(sums, 0);
      for (int kk = 0; kk < k; kk++) {
        double factor = row[kk];
        for (int j = 0; j < width; j++) {
          sums[j] += factor * columns[kk * TILE + j];
        }
      }
      for (int j = 0; j < width; j++) {
        sums[j] *= alpha;
      }
      out.putRow(((long) matrix * m + mm) * n + n0, sums, width);
    }
  }
}

package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.Indices;
import org.freetransformer.tensor.device.Instruction.CrossEntropy;
import org.freetransformer.tensor.device.Instruction.CrossEntropyBackward;
import org.freetransformer.tensor.device.Kernel;

/** {@code −ln softmax(logits)[target]} of every row, and its gradient. */
final class ScalarCrossEntropy {
  private ScalarCrossEntropy() {}

  static Kernel forward(CrossEntropy op) {
    Elements logits = new Elements(op.logits());
    Elements targets = new Elements(op.targets());
    Elements losses = new Elements(op.losses());
    Elements lses = new Elements(op.lse());
    int ignoreIndex = op.ignoreIndex();
    int rows = logits.rows();
    int columns = logits.columns();
    double[] row = new double[columns];
    return () -> {
      for (int n = 0; n < rows; n++) {
        logits.load((long) n * columns, row, columns);
        double lse = ScalarSoftmax.logSumExp(row, columns);
        int target = targets.getInt(n);
        lses.set(n, lse);
        boolean ignored = target == ignoreIndex;
        losses.set(n, ignored ? 0 : lse - row[Indices.target(target, n, columns)]);
      }
    };
  }

  static Kernel backward(CrossEntropyBackward op) {
    Elements logits = new Elements(op.logits());
    Elements targets = new Elements(op.targets());
    Elements lses = new Elements(op.lse());
    Elements dlosses = new Elements(op.dlosses());
    Result dlogits = new Result(op.dlogits());
    int ignoreIndex = op.ignoreIndex();
    int rows = logits.rows();
    int columns = logits.columns();
    return () -> {
      for (int n = 0; n < rows; n++) {
        int target = targets.getInt(n);
        boolean ignored = target == ignoreIndex;
        int chosen = ignored ? -1 : Indices.target(target, n, columns);
        double dloss = ignored ? 0 : dlosses.get(n);
        double lse = lses.get(n);
        for (int d = 0; d < columns; d++) {
          long i = (long) n * columns + d;
          double probability = Math.exp(logits.get(i) - lse);
          dlogits.put(i, (probability - (d == chosen ? 1 : 0)) * dloss);
        }
      }
    };
  }
}

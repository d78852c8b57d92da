package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.Instruction.QuantizedLinear;
import org.freetransformer.tensor.device.Kernel;

/** {@code out[n, j] = scales[j] · Σ_k x[n, k] · weight[j, k]}. */
final class ScalarQuantizedLinear {
  private ScalarQuantizedLinear() {}

  static Kernel of(QuantizedLinear op) {
    Elements x = new Elements(op.x());
    Elements weight = new Elements(op.weight());
    Elements scales = new Elements(op.scales());
    Result out = new Result(op.out());
    int depth = x.columns();
    int outputs = weight.dim(0);
    return () -> {
      for (int n = 0; n < x.rows(); n++) {
        for (int j = 0; j < outputs; j++) {
          double sum = 0;
          for (int k = 0; k < depth; k++) {
            sum += x.get((long) n * depth + k) * weight.getInt((long) j * depth + k);
          }
          out.put((long) n * outputs + j, sum * scales.get(j));
        }
      }
    };
  }
}

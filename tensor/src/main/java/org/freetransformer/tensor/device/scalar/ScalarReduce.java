package org.freetransformer.tensor.device.scalar;

import java.util.Arrays;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.Instruction.Reduce;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.ReduceFunction;

/** Each input element goes into the output element that a broadcast would take it from. */
final class ScalarReduce {
  private ScalarReduce() {}

  static Kernel reduce(Reduce op) {
    Elements in = new Elements(op.in());
    Result out = new Result(op.out());
    ReduceFunction function = op.function();
    double[] totals = new double[Math.toIntExact(out.size())];
    Positions target =
        new Positions(Layout.contiguous(op.out().buffer().shape()).broadcastTo(op.in().shape()));
    return () -> {
      Arrays.fill(totals, function.identity());
      for (long i = 0; i < in.size(); i++) {
        int j = (int) target.of(i);
        totals[j] = function.combine(totals[j], in.get(i));
      }
      out.putRow(0, totals, totals.length);
    };
  }
}

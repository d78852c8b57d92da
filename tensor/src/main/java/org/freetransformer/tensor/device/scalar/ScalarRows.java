package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.Gather;
import org.freetransformer.tensor.device.Instruction.ScatterAdd;
import org.freetransformer.tensor.device.Instruction.ScatterRows;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;

/** Rows of a table, read or written by their number. */
final class ScalarRows {
  private ScalarRows() {}

  static Kernel gather(Gather op) {
    Elements table = new Elements(op.table());
    Elements indices = new Elements(op.indices());
    Result out = new Result(op.out());
    int rows = table.dim(0);
    int columns = table.columns();
    return () -> {
      for (long n = 0; n < indices.size(); n++) {
        int row = indices.getInt(n);
        boolean present = row >= 0 && row < rows;
        for (int d = 0; d < columns; d++) {
          out.put(n * columns + d, present ? table.get((long) row * columns + d) : 0);
        }
      }
    };
  }

  static Kernel scatterAdd(ScatterAdd op) {
    return scatter(op.source(), op.indices(), Output.addTo(op.table()));
  }

  static Kernel scatterRows(ScatterRows op) {
    return scatter(op.source(), op.indices(), Output.to(op.table()));
  }

  private static Kernel scatter(Buffer from, Buffer where, Output to) {
    Elements source = new Elements(from);
    Elements indices = new Elements(where);
    Result table = new Result(to);
    int rows = to.buffer().dim(0);
    int columns = source.columns();
    return () -> {
      for (long n = 0; n < indices.size(); n++) {
        int row = indices.getInt(n);
        if (row >= 0 && row < rows) {
          for (int d = 0; d < columns; d++) {
            table.put((long) row * columns + d, source.get(n * columns + d));
          }
        }
      }
    };
  }
}

package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.Indices;
import org.freetransformer.tensor.device.Instruction.Rope;
import org.freetransformer.tensor.device.Kernel;

/** Pairs (u, v) of a head's two halves, turned by an angle that grows with the position. */
final class ScalarRope {
  private ScalarRope() {}

  static Kernel of(Rope op) {
    Elements x = new Elements(op.x());
    Elements positions = new Elements(op.positions());
    Elements table = new Elements(op.table());
    Result out = new Result(op.out());
    double direction = op.inverse() ? -1 : 1;
    int tokens = Math.toIntExact(positions.size());
    int heads = x.dim(2);
    int size = x.dim(3);
    int half = size / 2;
    double[] angles = new double[size];
    return () -> {
      for (int token = 0; token < tokens; token++) {
        int position = Indices.position(positions.getInt(token), token, table.dim(0));
        table.load((long) position * size, angles, size);
        for (int head = 0; head < heads; head++) {
          long first = ((long) token * heads + head) * size;
          for (int d = 0; d < half; d++) {
            double cos = angles[d];
            double sin = direction * angles[half + d];
            double u = x.get(first + d);
            double v = x.get(first + half + d);
            out.put(first + d, u * cos - v * sin);
            out.put(first + half + d, v * cos + u * sin);
          }
        }
      }
    };
  }
}

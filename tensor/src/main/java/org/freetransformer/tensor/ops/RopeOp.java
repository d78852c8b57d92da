package org.freetransformer.tensor.ops;

import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;

/** Rotary position embedding (Su et al., 2021), half-rotation layout as in Llama. */
public final class RopeOp {
  private RopeOp() {}

  /**
   * Rotates each head's halves by the angles of its position.
   *
   * @param x [B, T, heads, Dh], Dh even
   * @param positions i32 [T] or [B, T], each from 0 to P−1
   * @param table [P, Dh], f32 or of x's type: cosines of a position's Dh/2 angles, then sines; a
   *     constant, which gets no gradient
   * @throws IllegalArgumentException if shapes or the table's type do not fit
   * @throws IndexOutOfBoundsException as it is computed on a CPU, if the table lacks a position
   */
  public static Tensor rope(Tensor x, Tensor positions, Tensor table) {
    Check.floating("rope", x);
    Check.integers("rope positions", positions);
    boolean fits =
        x.shape().rank() == 4
            && table.shape().rank() == 2
            && table.dim(1) == x.dim(3)
            && x.dim(3) % 2 == 0;
    Check.that(fits, "rope", "shapes must be [B,T,heads,Dh] and [P,Dh], Dh even", x, table);
    boolean fitsType = table.dtype() == DType.F32 || table.dtype() == x.dtype();
    Check.that(fitsType, "rope", "the table must be f32 or of x's type", x, table);
    Check.engine("rope", x, positions, table);
    Engine engine = x.engine();
    Tensor in = ViewOp.unitStride(x);
    Buffer angles = table.detach().contiguous().buffer();
    Tensor y = engine.empty(x.dtype(), x.shape());
    Shape tokens = Shape.of(x.dim(0), x.dim(1));
    Layout perToken =
        Check.fitting("rope positions", () -> positions.layout().broadcastTo(tokens), positions, x);
    Buffer places = positions.buffer().with(perToken);
    engine.emit(new Instruction.Rope(in.buffer(), places, angles, false, Output.to(y.buffer())));
    return Node.attach(
        y,
        List.of(in),
        (dy, gradients) ->
            engine.emit(
                new Instruction.Rope(dy.buffer(), places, angles, true, gradients.into(in))));
  }

  /**
   * The table of {@link #rope}: angle of pair i at position p is {@code p·theta^(−2i/Dh)}.
   *
   * @param positions P, how many positions
   * @param headSize Dh, even
   * @param theta the base, 10000 in Llama 2
   * @return P·Dh values, row-major
   */
  public static float[] table(int positions, int headSize, double theta) {
    return table(positions, frequencies(headSize, theta));
  }

  /** The table for frequencies of the caller's choice, in radians per position, one a pair. */
  public static float[] table(int positions, double... frequencies) {
    int half = frequencies.length;
    float[] values = new float[Math.multiplyExact(positions, 2 * half)];
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < half; i++) {
        double angle = p * frequencies[i];
        values[p * 2 * half + i] = (float) Math.cos(angle);
        values[p * 2 * half + half + i] = (float) Math.sin(angle);
      }
    }
    return values;
  }

  /** The usual frequencies: {@code theta^(−2i/Dh)} for pair i. */
  public static double[] frequencies(int headSize, double theta) {
    double[] frequencies = new double[headSize / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = Math.pow(theta, -2.0 * i / headSize);
    }
    return frequencies;
  }
}

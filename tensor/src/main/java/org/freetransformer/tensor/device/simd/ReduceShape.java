package org.freetransformer.tensor.device.simd;

import org.freetransformer.tensor.Layout;
import org.jspecify.annotations.Nullable;

/**
 * A reduction as three loops: {@code outer} results apart, {@code reduced} numbers into one, {@code
 * inner} results side by side. Strides count elements.
 */
record ReduceShape(
    int outer, int reduced, int inner, long outerStride, long reducedStride, long outOuterStride) {

  /** Longest loop: what counts its blocks may count one block further than its end. */
  static final int LONGEST = Integer.MAX_VALUE - Workers.BLOCK;

  /** The three loops, or null where axes do not merge into them, or into longer ones than that. */
  static @Nullable ReduceShape of(Layout in, Layout out) {
    if (in.shape().size() == 0) {
      return null;
    }
    Axes outer = new Axes();
    Axes reduced = new Axes();
    Axes inner = new Axes();
    for (int axis = in.shape().rank() - 1; axis >= 0; axis--) {
      int dim = in.shape().dim(axis);
      if (dim == 1) {
        continue;
      }
      boolean kept = out.shape().dim(axis) == dim;
      Axes group = !kept ? reduced : reduced.dim == 1 ? inner : outer;
      boolean late = !kept && outer.dim > 1;
      if (late || !group.take(dim, in.stride(axis), kept ? out.stride(axis) : 0)) {
        return null;
      }
    }
    boolean gapFree = inner.dim == 1 || (inner.stride == 1 && inner.outStride == 1);
    return gapFree
        ? new ReduceShape(
            outer.dim, reduced.dim, inner.dim, outer.stride, reduced.stride, outer.outStride)
        : null;
  }

  /** Axes that merge into one, taken from the last to the first. */
  private static final class Axes {
    int dim = 1;
    long stride = 1;
    long outStride = 1;

    boolean take(int more, long nextStride, long nextOutStride) {
      if ((long) dim * more > LONGEST) {
        return false;
      }
      if (dim == 1) {
        stride = nextStride;
        outStride = nextOutStride;
      } else if (nextStride != stride * dim || nextOutStride != outStride * dim) {
        return false;
      }
      dim *= more;
      return true;
    }
  }
}

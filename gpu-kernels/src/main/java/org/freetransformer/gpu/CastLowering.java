package org.freetransformer.gpu;

import java.util.function.ToIntFunction;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.Buffer;

/** Lowers the casts between 16-bit numbers and the f32 ones that stand for them in a kernel. */
final class CastLowering extends FamilyLowering {
  CastLowering(ToIntFunction<Buffer> places, ToIntFunction<Float> constants) {
    super(places, constants);
  }

  /** From a buffer of 16-bit numbers to floats at a place, of the same layout. */
  Launch toFloats(Buffer half, int place) {
    Args args = views(half, floats(half, place), at(half)).add(type(half));
    return toFloats(size(half), args);
  }

  /** The way back. */
  Launch toHalves(Buffer half, int place) {
    Args args = views(half, at(half), floats(half, place)).add(type(half), Halves.F32);
    return toHalves(size(half), args);
  }

  /**
   * The one place where this kernel is named: each has a class of its own, by which {@link
   * LaunchGraphs} tells kernels apart, and is compiled for itself.
   */
  static Launch toFloats(int elements, Args args) {
    return Launch.perItem(CastKernels::toFloats, elements, args, 0, 0);
  }

  /** The same of the way back. */
  static Launch toHalves(int elements, Args args) {
    return Launch.perItem(CastKernels::toHalves, elements, args, 0, 0);
  }

  private static int floats(Buffer half, int place) {
    return place + Math.toIntExact(half.layout().offset());
  }

  private static Args views(Buffer half, int to, int from) {
    Layout layout = half.layout();
    return new Args().dims(layout).view(to, layout).view(from, layout).add(0);
  }
}

package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongToIntFunction;
import java.util.function.ToIntFunction;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.MatMul;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task7;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** Lowers products of 16-bit numbers to {@link TensorCoreKernels}. */
final class TensorCoreLowering extends FamilyLowering {
  private static final int ELEMENTS = TensorCoreKernels.TILE * TensorCoreKernels.TILE;

  private final LongToIntFunction scratch;
  private final int mostTiles;

  /**
   * For one instruction.
   *
   * @param scratch gives the first of so many words among the floats
   * @param mostTiles that may be there at a time
   */
  TensorCoreLowering(
      ToIntFunction<Buffer> places,
      ToIntFunction<Float> constants,
      LongToIntFunction scratch,
      int mostTiles) {
    super(places, constants);
    this.scratch = scratch;
    this.mostTiles = mostTiles;
  }

  /** The launches of a product that {@link TensorCores#takes}. */
  List<Launch> matMul(MatMul op) {
    int tiles = tiles(op);
    if (isDirect(op)) {
      return List.of(product(op, args(op, 0, TensorCoreKernels.DIRECT), tiles));
    }
    int inOne = Math.min(tiles, mostTiles);
    int place = tiles == 0 ? 0 : scratch.applyAsInt((long) inOne * ELEMENTS);
    List<Launch> launches = new ArrayList<>();
    for (int first = 0; first < tiles; first += inOne) {
      int count = Math.min(inOne, tiles - first);
      Args args = args(op, first, place);
      launches.add(product(op, args, count));
      launches.add(Launch.items(TensorCoreKernels::finish, count * ELEMENTS, args, op.alpha(), 0));
    }
    return launches;
  }

  private static int tiles(MatMul op) {
    Buffer out = op.out().buffer();
    int size = TensorCoreKernels.TILE;
    int batches = batch(out, 3) * batch(out, 4);
    return Math.ceilDiv(out.dim(-2), size) * Math.ceilDiv(out.dim(-1), size) * batches;
  }

  /** Whether tiles can go straight to the result; alpha is applied behind the product only. */
  private static boolean isDirect(MatMul op) {
    Buffer out = op.out().buffer();
    boolean isWhole =
        out.dim(-2) % TensorCoreKernels.TILE == 0 && out.dim(-1) % TensorCoreKernels.TILE == 0;
    return isWhole
        && !isHalf(out)
        && out.layout().stride(out.shape().rank() - 1) == 1
        && op.alpha() == 1
        && !op.out().accumulate();
  }

  private Args args(MatMul op, int firstTile, int place) {
    Buffer out = op.out().buffer();
    Args args = matrices(op.a(), op.b(), out);
    return args.add(firstTile, place).add(op.out().accumulate()).add(type(out));
  }

  private static Launch product(MatMul op, Args args, int tiles) {
    Task7<KernelContext, FloatArray, IntArray, ShortArray, IntArray, Float, Float> body =
        op.a().dtype() == DType.BF16 ? TensorCoreKernels::matMulBf16 : TensorCoreKernels::matMulF16;
    return new Launch(body, args.toArray(), 0, 0, tiles, TensorCoreKernels.GROUP);
  }
}

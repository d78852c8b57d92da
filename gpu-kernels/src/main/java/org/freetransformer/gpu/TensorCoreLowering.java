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

/** Lowers products of 16-bit numbers, and of f32 and bf16, to {@link TensorCoreKernels}. */
final class TensorCoreLowering extends FamilyLowering {
  private static final int SIDE = TensorCoreKernels.TILE;
  private static final int ELEMENTS = SIDE * SIDE;

  /** Of parts of an f32 operand in scratch memory: 96 MiB. */
  private static final long MOST_PARTS = 48L << 20;

  private final LongToIntFunction scratch;
  private final LongToIntFunction halvesScratch;
  private final int mostTiles;

  /**
   * For one instruction.
   *
   * @param scratch gives the first of so many words among the floats
   * @param halvesScratch the same among the numbers of 16 bits
   * @param mostTiles that may be among the floats at a time
   */
  TensorCoreLowering(
      ToIntFunction<Buffer> places,
      ToIntFunction<Float> constants,
      LongToIntFunction scratch,
      LongToIntFunction halvesScratch,
      int mostTiles) {
    super(places, constants);
    this.scratch = scratch;
    this.halvesScratch = halvesScratch;
    this.mostTiles = mostTiles;
  }

  /** The launches of a product that {@link TensorCores#takes}. */
  List<Launch> matMul(MatMul op) {
    Buffer out = op.out().buffer();
    int across = Math.ceilDiv(out.dim(-1), SIDE);
    int down = Math.ceilDiv(out.dim(-2), SIDE);
    int batches = batches(out);
    List<Launch> launches = new ArrayList<>();
    if (isHalf(op.a())) {
      int depth = op.a().dim(-1);
      products(launches, op, matrix(op.a()), depth, depth, 0, across * down * batches);
      return launches;
    }
    int columns = Math.ceilDiv(op.a().dim(-1), TensorCoreKernels.SLICE) * TensorCoreKernels.SLICE;
    long words = (long) TensorCoreKernels.PARTS * columns * SIDE;
    int most = Math.clamp(Math.min(MOST_PARTS / words, mostTiles / across), 1, down);
    int place = batches == 0 ? 0 : halvesScratch.applyAsInt(most * words);
    for (int i = 0; i < batches * down; i += Math.min(most, down - i % down)) {
      int rows = Math.min(most, down - i % down);
      int[] parts = split(launches, op, i, rows, columns, place);
      products(
          launches,
          op,
          parts,
          TensorCoreKernels.PARTS * columns,
          columns,
          i * across,
          rows * across);
    }
    return launches;
  }

  /**
   * Splits rows of tiles of an f32 operand.
   *
   * @param first of the rows of tiles, counted batch after batch
   * @param count of them, in one batch
   * @param columns of a part
   * @param place of the parts
   * @return the parts as a matrix, by the numbers of {@link #matrix}; as if all rows were there
   */
  private int[] split(
      List<Launch> launches, MatMul op, int first, int count, int columns, int place) {
    Buffer out = op.out().buffer();
    int down = Math.ceilDiv(out.dim(-2), SIDE);
    int batch = first / down;
    int row = first % down * SIDE;
    int rows = Math.min(count * SIDE, out.dim(-2) - row);
    int[] a = matrix(op.a());
    int from = a[0] + batch / batch(out, 3) * a[3] + batch % batch(out, 3) * a[4] + row * a[1];
    boolean isDown = a[1] < a[2];
    int rowStride = isDown ? 1 : TensorCoreKernels.PARTS * columns;
    int columnStride = isDown ? rows : 1;
    Args args = new Args().add(rows * columns, rows, op.a().dim(-1), columns);
    args.add(from, a[1], a[2]).add(place, rowStride, columnStride);
    launches.add(Launch.perItem(TensorCoreKernels::split, rows * columns, args, 0, 0));
    return new int[] {place - row * rowStride, rowStride, columnStride, 0, 0};
  }

  /**
   * Launches for some of a result's tiles.
   *
   * @param a matrix of 16-bit numbers
   * @param depth its columns
   * @param period after how many of them the other operand begins again
   */
  private void products(
      List<Launch> launches, MatMul op, int[] a, int depth, int period, int first, int tiles) {
    if (tiles == 0) {
      return;
    }
    if (isDirect(op)) {
      Args args = args(op, a, first, TensorCoreKernels.DIRECT).add(depth, period);
      launches.add(product(op, args, tiles));
      return;
    }
    int inOne = Math.min(tiles, mostTiles);
    int place = scratch.applyAsInt((long) inOne * ELEMENTS);
    for (int done = 0; done < tiles; done += inOne) {
      int count = Math.min(inOne, tiles - done);
      Args args = args(op, a, first + done, place).add(depth, period);
      launches.add(product(op, args, count));
      launches.add(
          Launch.perItem(TensorCoreKernels::finish, count * ELEMENTS, args, op.alpha(), 0));
    }
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

  private Args args(MatMul op, int[] a, int firstTile, int place) {
    Buffer out = op.out().buffer();
    return matrices(op.a(), op.b(), out)
        .set(5, a)
        .add(firstTile, place)
        .add(op.out().accumulate())
        .add(type(out));
  }

  private static Launch product(MatMul op, Args args, int tiles) {
    Task7<KernelContext, FloatArray, IntArray, ShortArray, IntArray, Float, Float> body =
        op.b().dtype() == DType.BF16 ? TensorCoreKernels::matMulBf16 : TensorCoreKernels::matMulF16;
    return new Launch(body, args.toArray(), 0, 0, tiles, TensorCoreKernels.GROUP);
  }
}

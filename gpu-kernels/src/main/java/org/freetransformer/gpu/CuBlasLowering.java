package org.freetransformer.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.MatMul;

/**
 * Lowers products to {@link CuBlasProduct}: operands go to panels, in pieces that these have room
 * for, and what comes out of one to its place.
 */
final class CuBlasLowering extends FamilyLowering {
  private final int words;

  /**
   * For one instruction.
   *
   * @param words of a panel
   */
  CuBlasLowering(ToIntFunction<Buffer> places, ToIntFunction<Float> constants, int words) {
    super(places, constants);
    this.words = words;
  }

  /** The steps of a product that {@link CuBlas#takes}. */
  List<Step> matMul(MatMul op) {
    Buffer out = op.out().buffer();
    int batches = batches(out);
    int depth = op.a().dim(-1);
    int mostRows = Math.min(out.dim(-2), words / depth);
    int mostColumns = Math.min(out.dim(-1), Math.min(words / depth, words / mostRows));
    List<Step> steps = new ArrayList<>();
    for (int batch = 0; batch < batches; batch++) {
      for (int row = 0; row < out.dim(-2); row += mostRows) {
        int rows = Math.min(mostRows, out.dim(-2) - row);
        Piece a = piece(op.a(), out, batch, row, 0, rows, depth);
        steps.add(pack(a, op.a(), Panels.Panel.A));
        for (int column = 0; column < out.dim(-1); column += mostColumns) {
          int columns = Math.min(mostColumns, out.dim(-1) - column);
          Piece b = piece(op.b(), out, batch, 0, column, depth, columns);
          steps.add(pack(b, op.b(), Panels.Panel.B));
          steps.add(new CuBlasProduct(rows, columns, depth, a.isDown(), b.isDown()));
          steps.add(finish(op, piece(out, out, batch, row, column, rows, columns)));
        }
      }
    }
    return steps;
  }

  /** Rows and columns of one matrix of a batch, and where they lie. */
  private record Piece(int at, int rowStride, int columnStride, int rows, int columns) {
    boolean isDown() {
      return rowStride < columnStride;
    }
  }

  private Piece piece(
      Buffer operand, Buffer out, int batch, int row, int column, int rows, int columns) {
    int[] matrix = matrix(operand);
    int inner = batch % batch(out, 3);
    int outer = batch / batch(out, 3);
    int first = matrix[0] + outer * matrix[3] + inner * matrix[4];
    int at = first + row * matrix[1] + column * matrix[2];
    return new Piece(at, matrix[1], matrix[2], rows, columns);
  }

  /** The piece stays as it lies, by rows or by columns, so that neighbours are read together. */
  private static Step pack(Piece piece, Buffer operand, Panels.Panel panel) {
    Args args = new Args().add(piece.rows() * piece.columns());
    if (piece.isDown()) {
      args.add(piece.rows(), piece.at(), piece.columnStride(), piece.rowStride());
    } else {
      args.add(piece.columns(), piece.at(), piece.rowStride(), piece.columnStride());
    }
    args.add(type(operand));
    int items = piece.rows() * piece.columns();
    return new PanelLaunch(CuBlasKernels::pack, panel, items, args.toArray(), 0);
  }

  private static Step finish(MatMul op, Piece piece) {
    int items = piece.rows() * piece.columns();
    Args args = new Args().add(items, piece.columns(), piece.at());
    args.add(piece.rowStride(), piece.columnStride(), type(op.out().buffer()));
    args.add(op.out().accumulate());
    float alpha = (float) op.alpha();
    return new PanelLaunch(CuBlasKernels::finish, Panels.Panel.OUT, items, args.toArray(), alpha);
  }
}

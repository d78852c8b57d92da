package org.freetransformer.tensor.device.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Every hot kernel with a small call of it: what {@link HotKernelsTest} runs in a JVM of its own. A
 * new kernel is added here.
 */
final class HotKernels {
  /**
   * A kernel.
   *
   * @param method as the JVM prints it, without the package: {@code Class::method}
   * @param call calls it, directly or not
   * @param calls how many make C1 compile it with a profile, which it does after 200
   */
  record Kernel(String method, Runnable call, int calls) {
    Kernel(String method, Runnable call) {
      this(method, call, CALLS);
    }
  }

  private static final int CALLS = 2000;

  // Enough for C2.
  private static final int TIMES_ALONE = 20;

  private HotKernels() {}

  static List<Kernel> all() {
    List<Kernel> kernels = new ArrayList<>(products());
    kernels.addAll(HotPasses.all());
    return kernels;
  }

  private static List<Kernel> products() {
    Arena arena = Arena.global();
    GemmScratch scratch = new GemmScratch(arena);
    MemorySegment b = scratch.b();
    MemorySegment c = arena.allocate(1 << 16, 64);
    float[] a = new float[12 * GemmKernel.A_STRIDE];
    float[] rows = new float[SquareTile.ROWS * GemmKernel.A_STRIDE];
    float[] panel = new float[8 * GemmKernel.COLUMNS];
    float[] tile = new float[12 * GemmKernel.COLUMNS];
    float[] lanes = scratch.lanes;
    float[] sums = scratch.rows;
    long[] columns = {0, 512, 1024, 2048};
    return List.of(
        new Kernel("RowTile::multiply12", () -> RowTile.multiply12(a, 0, b, 0, 256, 8, tile)),
        new Kernel("RowTile::multiply5", () -> RowTile.multiply5(a, 0, b, 0, 256, 8, tile)),
        new Kernel(
            "FencedTile::multiplyRows",
            () -> FencedTile.multiplyRows(a, 0, panel, 0, 8, tile, 0, 16)),
        new Kernel(
            "FencedTile::multiplyColumns",
            () -> FencedTile.multiplyColumns(a, 0, panel, 0, 8, tile, 0, 16)),
        new Kernel("PanelTile::add", () -> PanelTile.add(a, 0, panel, 0, 8, tile, 0)),
        new Kernel(
            "SquareTile::addColumns", () -> SquareTile.addColumns(a, 0, panel, 0, 8, tile, 0)),
        new Kernel("SquareTile::addRows", () -> SquareTile.addRows(rows, b, 0, 256, 8, tile)),
        new Kernel(
            "ArrayPacking::packVectors",
            () -> ArrayPacking.packVectors(c, 0, 512, 40, 3, scratch.a, 0)),
        new Kernel("OuterGemm::multiply", () -> OuterGemm.multiply(a, 0, b, 64, 1f, c, 0, 1 << 12)),
        new Kernel("RowTile::multiply6", () -> RowTile.multiply6(a, 0, b, 0, 8, tile)),
        new Kernel("ColumnTile::multiply6", () -> ColumnTile.multiply6(a, 0, b, 0, 8, tile)),
        new Kernel("ColumnTile::multiply12", () -> ColumnTile.multiply12(a, 0, b, 0, 256, 8, tile)),
        new Kernel("ColumnTile::multiply5", () -> ColumnTile.multiply5(a, 0, b, 0, 256, 8, tile)),
        new Kernel(
            "ShallowKernel::multiplyWide",
            () -> ShallowKernel.multiplyWide(a, 0, 8, 1, b, 0, 256, 8, 1f, c, 0, 256)),
        new Kernel(
            "ShallowKernel::addWide", () -> ShallowKernel.addWide(scratch.blocks, 1f, c, 0, 256)),
        new Kernel(
            "ShallowKernel::multiplyNarrow",
            () ->
                ShallowKernel.multiplyNarrow(
                    a, 0, 8, 1, b, 0, 256, 8, 1f, Lanes.mask(0, 3), c, 0, 64)),
        new Kernel(
            "ShallowKernel::putNarrow",
            () -> ShallowKernel.putNarrow(b, 8, Lanes.mask(0, 3), 1f, true, c, 0, 64)),
        new Kernel(
            "SkinnyKernel::multiplyShort",
            () -> SkinnyKernel.multiplyShort(a, 0, b, 0, 256, 3, 19, tile)),
        new Kernel(
            "GemmKernel::storeRow",
            () -> GemmKernel.storeRow(tile, 0, GemmKernel.COLUMNS, 1f, true, c, 0)),
        new Kernel(
            "GemmKernel::addWhole",
            () -> GemmKernel.store(tile, 6, GemmKernel.COLUMNS, 1f, true, c, 0, 256)),
        new Kernel(
            "GemmKernel::setWhole",
            () -> GemmKernel.store(tile, 6, GemmKernel.COLUMNS, 1f, false, c, 0, 256)),
        new Kernel(
            "Packing::packFourColumns", () -> Packing.packColumns(c, 0, 512, 48, 8, scratch.a)),
        new Kernel(
            "Packing::packRowOfB",
            () -> Packing.packPanels(c, 0, 4096, 4, 2, 96, scratch.b(), 0, scratch)),
        new Kernel(
            "ArrayPacking::packRow",
            () -> ArrayPacking.packPanels(c, 0, 4096, 4, 2, 96, scratch.panels(), 0, sums)),
        new Kernel(
            "ArrayPacking::packFourRows",
            () -> ArrayPacking.packPanels(c, 0, 4096, 4, 4, 96, scratch.panels(), 0, sums)),
        new Kernel(
            "ArrayTransposer::exchangeFour",
            () -> ArrayTransposer.transpose(c, 0, 4096, 4, 40, scratch.panels(), 0, sums)),
        new Kernel(
            "ArrayTransposer::exchangeHalves",
            () -> ArrayTransposer.transpose(c, 0, 4096, 4, 40, scratch.panels(), 0, sums)),
        new Kernel(
            "TileTurner::exchangeFour",
            () -> TileTurner.turn(sums, 0, 96, scratch.turned(), 0, 96, scratch.panels())),
        new Kernel(
            "TileTurner::exchangeFours",
            () -> TileTurner.exchangeFours(sums, scratch.turned(), 0, 96)),
        new Kernel(
            "TileTurner::exchangeHalves",
            () -> TileTurner.exchangeHalves(sums, scratch.turned(), 0, 96)),
        new Kernel(
            "Transposer::shuffleTwice",
            () -> Transposer.transpose(b, 0, 4096, 4, c, 0, 2048, scratch.blocks)),
        new Kernel("Copies::clear", () -> Copies.clear(c, 0, 1 << 12)),
        new Kernel("LaneSums::quarter", () -> LaneSums.add(lanes, 16, sums)),
        new Kernel(
            "SkinnyKernel::addToOne", () -> SkinnyKernel.addToOne(a, 0, b, 0, 4096, 70, sums)),
        new Kernel(
            "SkinnyKernel::addToFour",
            () -> SkinnyKernel.addToFour(a, 0, 9, b, 0, 4096, 70, sums, 0)),
        new Kernel("SkinnyKernel::addRow", () -> SkinnyKernel.addRow(1f, b, 0, 70, sums, 0)),
        new Kernel("SkinnyKernel::dotRow", () -> SkinnyKernel.dotRow(a, 0, b, columns, 70, lanes)),
        new Kernel(
            "SkinnyKernel::dotPairs", () -> SkinnyKernel.dotPairs(a, 0, b, columns, 70, lanes)),
        new Kernel(
            "QuantizedKernel::dotTwo",
            () -> QuantizedKernel.dotTwo(a, b, 0, 512, 70, lanes, 0, 64)),
        new Kernel(
            "RowDotKernel::singles", () -> RowDotKernel.singles(c, 0, b, 0, 512, 1024, 3, lanes)),
        new Kernel("RowDotKernel::pairs", () -> RowDotKernel.pairs(a, 0, b, 0, 512, 3, lanes)),
        new Kernel("RowDotKernel::quads", () -> RowDotKernel.quads(a, 0, b, 0, 3, lanes, 0, 64)));
  }

  /** Runs all kernels, or those named; {@code oversized} is one that C1 cannot compile. */
  public static void main(String[] names) {
    List<Kernel> kernels =
        List.of(names).equals(List.of("oversized"))
            ? List.of(new Kernel("OversizedKernel::multiply", OversizedKernel::multiply))
            : all().stream()
                .filter(kernel -> names.length == 0 || List.of(names).contains(kernel.method()))
                .toList();
    int times = names.length == 0 ? 1 : TIMES_ALONE;
    for (Kernel kernel : kernels) {
      for (int i = 0; i < times * kernel.calls(); i++) {
        kernel.call().run();
      }
    }
  }
}

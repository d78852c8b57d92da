package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.gpu.AbsentBuffers.buffer;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.BinaryMapperBackward;
import org.freetransformer.tensor.device.Output;
import org.junit.jupiter.api.Test;

/** In which pieces the mapper's gradient over all plans is computed. */
class MapperLoweringTest {
  private static final int END = 1 << 30;

  /** Of each piece: first row, rows, plans. */
  private static List<List<Integer>> pieces(int rows, int bits) {
    Buffer logits = buffer(DType.F32, rows, bits);
    Buffer indices = buffer(DType.I32, Layout.contiguous(Shape.of(rows)));
    Buffer dr = buffer(DType.F32, rows, 3);
    Buffer table = buffer(DType.F32, 1 << bits, 3);
    BinaryMapperBackward op =
        new BinaryMapperBackward(logits, indices, dr, table, true, Output.to(logits));
    List<List<Integer>> pieces = new ArrayList<>();
    MapperLowering lowering = new MapperLowering(_ -> 0, _ -> 0, words -> END - (int) words);
    List<Step> steps =
        lowering.ofAllPlans(
            op,
            (product, places, scratch) -> {
              Buffer out = product.out().buffer();
              int row = (int) product.a().layout().offset() / 3;
              assertThat(scratch.applyAsInt(8) + 8)
                  .as("the product's scratch memory ends where its result begins")
                  .isEqualTo(places.applyAsInt(out));
              assertThat(places.applyAsInt(product.a())).isZero();
              pieces.add(List.of(row, out.dim(0), out.dim(1)));
              return List.of();
            });
    for (int i = 0; i < steps.size(); i++) {
      Launch sums = (Launch) steps.get(i);
      assertThat(sums.groups()).isEqualTo(pieces.get(i).get(1));
      assertThat(sums.args()[8]).isEqualTo(pieces.get(i).getFirst());
    }
    return pieces;
  }

  @Test
  void rowsAreTakenAsThereIsRoomForTheirProducts() {
    assertThat(pieces(130, 16))
        .containsExactly(
            List.of(0, 64, 1 << 16), List.of(64, 64, 1 << 16), List.of(128, 2, 1 << 16));
    assertThat(pieces(5, 20)).containsExactly(List.of(0, 4, 1 << 20), List.of(4, 1, 1 << 20));
    assertThat(pieces(1000, 1)).containsExactly(List.of(0, 1000, 2));
    assertThat(pieces(0, 8)).isEmpty();
  }
}

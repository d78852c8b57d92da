package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.memory.OffHeapStorage;
import org.junit.jupiter.api.Test;

class MemoryPlanTest {
  private static final int[] SIZES = {1, 15, 16, 17, 64, 100, 257};

  private final List<Instruction> instructions = new ArrayList<>();
  private final List<Storage> intermediates = new ArrayList<>();

  private Buffer buffer(int size) {
    Storage storage = OffHeapStorage.reserve(4L * size);
    intermediates.add(storage);
    return new Buffer(storage, DType.F32, Layout.contiguous(Shape.of(size)));
  }

  private Buffer filled(int size) {
    Buffer buffer = buffer(size);
    instructions.add(new Instruction.Fill(buffer, 1));
    return buffer;
  }

  private Buffer affine(Buffer in) {
    Buffer out = buffer(Math.toIntExact(in.size()));
    instructions.add(new Instruction.Affine(in, 2, 1, Output.to(out)));
    return out;
  }

  private MemoryPlan plan(Storage... kept) {
    return MemoryPlan.of(instructions, intermediates, List.of(kept));
  }

  private static long offset(MemoryPlan plan, Buffer buffer) {
    return plan.offsets()[plan.storages().indexOf(buffer.storage())];
  }

  // ---- An independent check: run the program on labels instead of numbers ----

  /**
   * Replays which storage's content every byte of the block holds, in cells of 64: each read must
   * find its own storage's content everywhere, each write leaves its own.
   */
  private void requireSound(MemoryPlan plan, List<Storage> kept) {
    Map<Storage, Long> offsets = new HashMap<>();
    for (int i = 0; i < plan.storages().size(); i++) {
      offsets.put(plan.storages().get(i), plan.offsets()[i]);
      assertThat(plan.offsets()[i] % 64).isZero();
      assertThat(plan.offsets()[i] + plan.storages().get(i).bytes())
          .isLessThanOrEqualTo(plan.bytes());
    }
    Storage[] content = new Storage[Math.toIntExact((plan.bytes() + 63) / 64)];
    for (Instruction instruction : instructions) {
      for (Buffer read : instruction.reads()) {
        requireContent(content, read.storage(), offsets);
      }
      requireNoClash(instruction, offsets);
      for (Buffer written : instruction.writes()) {
        for (int cell : cells(written.storage(), offsets)) {
          content[cell] = written.storage();
        }
      }
    }
    for (Storage storage : kept) {
      requireContent(content, storage, offsets);
    }
  }

  private static void requireContent(
      Storage[] content, Storage storage, Map<Storage, Long> offsets) {
    for (int cell : cells(storage, offsets)) {
      assertThat(content[cell]).isSameAs(storage);
    }
  }

  /** An output may lie on an input only element on element, in an elementwise instruction. */
  private static void requireNoClash(Instruction instruction, Map<Storage, Long> offsets) {
    for (Buffer written : instruction.writes()) {
      for (Buffer read : instruction.reads()) {
        boolean overlap =
            cells(written.storage(), offsets).stream()
                .anyMatch(cells(read.storage(), offsets)::contains);
        if (overlap && !written.storage().equals(read.storage())) {
          assertThat(instruction)
              .isInstanceOfAny(
                  Instruction.Affine.class,
                  Instruction.Unary.class,
                  Instruction.Binary.class,
                  Instruction.Select.class);
          assertThat(offsets.get(read.storage())).isEqualTo(offsets.get(written.storage()));
          assertThat(read.layout()).isEqualTo(written.layout());
        }
      }
    }
  }

  private static List<Integer> cells(Storage storage, Map<Storage, Long> offsets) {
    List<Integer> cells = new ArrayList<>();
    long start = Objects.requireNonNull(offsets.get(storage));
    for (long at = start; at < start + storage.bytes(); at += 64) {
      cells.add(Math.toIntExact(at / 64));
    }
    return cells;
  }

  @Test
  void noReadEverFindsWhatAnotherWrote() {
    long planned = 0;
    long inAll = 0;
    for (long seed = 0; seed < 300; seed++) {
      instructions.clear();
      intermediates.clear();
      List<Storage> kept = randomProgram(new Random(seed));
      MemoryPlan plan = MemoryPlan.of(instructions, intermediates, kept);
      requireSound(plan, kept);
      planned += plan.bytes();
      inAll += plan.storages().stream().mapToLong(Storage::bytes).sum();
    }
    assertThat(planned).isLessThan(inAll * 2 / 3);
  }

  private List<Storage> randomProgram(Random random) {
    List<Buffer> live = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      if (live.size() < 3 || random.nextInt(5) == 0) {
        live.add(filled(SIZES[random.nextInt(SIZES.length)]));
        continue;
      }
      Buffer a = live.get(random.nextInt(live.size()));
      List<Buffer> alike = live.stream().filter(other -> other.size() == a.size()).toList();
      Buffer b = alike.get(random.nextInt(alike.size()));
      live.add(emit(random, a, b));
      if (random.nextInt(3) > 0) {
        live.remove(a); // No one uses it any more.
      }
    }
    List<Storage> kept = new ArrayList<>();
    for (Buffer buffer : live) {
      if (random.nextInt(3) == 0) {
        kept.add(buffer.storage());
      }
    }
    return kept;
  }

  private Buffer emit(Random random, Buffer a, Buffer b) {
    int size = Math.toIntExact(a.size());
    Buffer reversed = new Buffer(b.storage(), b.dtype(), b.layout().narrow(0, size - 1, 1));
    Buffer broadcast = reversed.with(reversed.layout().broadcastTo(a.shape()));
    switch (random.nextInt(7)) {
      case 0 -> {
        return affine(a);
      }
      case 1 ->
          instructions.add(
              new Instruction.Binary(BinaryFunction.ADD, a, b, Output.to(buffer(size))));
      case 2 ->
          instructions.add(
              new Instruction.Binary(BinaryFunction.ADD, a, broadcast, Output.to(buffer(size))));
      case 3 -> instructions.add(new Instruction.Select(b, a, b, Output.to(buffer(size))));
      case 4 -> instructions.add(new Instruction.Copy(a, Output.to(buffer(size))));
      case 5 ->
          instructions.add(new Instruction.Reduce(ReduceFunction.SUM, a, Output.to(buffer(1))));
      default -> {
        instructions.add(new Instruction.Unary(UnaryFunction.EXP, a, Output.addTo(b)));
        return b;
      }
    }
    return instructions.getLast().writes().getFirst();
  }

  // ---- What the plan is good for ----

  @Test
  void aChainOfElementwiseInstructionsStaysInOnePlace() {
    Buffer x = filled(100);
    for (int i = 0; i < 10; i++) {
      x = affine(x);
    }
    MemoryPlan plan = plan(x.storage());
    assertThat(plan.storages()).hasSize(11);
    assertThat(plan.offsets()).containsOnly(0);
    assertThat(plan.bytes()).isEqualTo(448);
  }

  @Test
  void aCopyNeedsAPlaceOfItsOwnAndALaterOneTakesTheFirst() {
    Buffer a = filled(16);
    Buffer b = buffer(16);
    instructions.add(new Instruction.Copy(a, Output.to(b)));
    Buffer c = buffer(16);
    instructions.add(new Instruction.Copy(b, Output.to(c)));
    MemoryPlan plan = plan(c.storage());
    assertThat(offset(plan, b)).isNotEqualTo(offset(plan, a));
    assertThat(offset(plan, c)).isEqualTo(offset(plan, a));
    assertThat(plan.bytes()).isEqualTo(128);
  }

  @Test
  void whatIsReadLaterIsNotOverwritten() {
    Buffer a = filled(16);
    Buffer b = affine(a);
    Buffer c = affine(a);
    MemoryPlan plan = plan(c.storage());
    assertThat(offset(plan, b)).isNotEqualTo(offset(plan, a));
    assertThat(offset(plan, c)).isEqualTo(offset(plan, a));
  }

  @Test
  void whatIsKeptIsNotOverwritten() {
    Buffer a = filled(16);
    Buffer b = affine(a);
    Buffer c = affine(b);
    MemoryPlan plan = plan(a.storage(), c.storage());
    assertThat(offset(plan, b)).isNotEqualTo(offset(plan, a));
    assertThat(offset(plan, c)).isEqualTo(offset(plan, b));
  }

  @Test
  void anOperandThatIsAlsoReadInAnotherOrderIsNotOverwritten() {
    Buffer a = buffer(16);
    Buffer square = a.with(a.layout().reshape(Shape.of(4, 4)));
    instructions.add(new Instruction.Fill(a, 1));
    Buffer out = buffer(16);
    Buffer squareOut = out.with(out.layout().reshape(Shape.of(4, 4)));
    Buffer transposed = square.with(square.layout().transpose(0, 1));
    instructions.add(
        new Instruction.Binary(BinaryFunction.ADD, square, transposed, Output.to(squareOut)));
    MemoryPlan plan = plan(out.storage());
    assertThat(offset(plan, out)).isNotEqualTo(offset(plan, a));
  }

  @Test
  void whatNoInstructionUsesTakesNoPlace() {
    buffer(1000);
    Buffer used = filled(1);
    MemoryPlan plan = plan();
    assertThat(plan.storages()).containsExactly(used.storage());
    assertThat(plan.bytes()).isEqualTo(64);
    instructions.clear();
    assertThat(plan().bytes()).isZero();
  }

  @Test
  void readingBeforeWritingIsAnError() {
    affine(buffer(4));
    assertThatThrownBy(this::plan)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("instruction 0 reads memory that nothing wrote before");
    instructions.clear();
    instructions.add(new Instruction.Affine(filled(4), 1, 0, Output.addTo(buffer(4))));
    assertThatThrownBy(this::plan)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("instruction 1 reads memory that nothing wrote before");
  }

  @Test
  void whatIsWrittenAnewLeavesItsPlaceInBetween() {
    Buffer twice = filled(100);
    affine(twice);
    Buffer left = filled(100);
    Buffer right = filled(100);
    affine(left);
    affine(right);
    instructions.add(new Instruction.Fill(twice, 2));
    affine(twice);

    MemoryPlan plan = plan();

    assertThat(plan.bytes()).isEqualTo(2 * 448);
    requireSound(plan, List.of());
  }
}

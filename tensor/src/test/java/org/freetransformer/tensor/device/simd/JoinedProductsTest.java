package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Output;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which products of a single row the team computes at one meeting, and that it shows in no bit. */
class JoinedProductsTest {
  private static final int WIDTH = 70;

  private final SimdDevice device = new SimdDevice(3, ColdKernels.none());
  private final Random random = new Random(11);
  private final Buffer x = numbers(1, WIDTH);

  @AfterEach
  void close() {
    device.close();
  }

  private Buffer buffer(DType dtype, int... dims) {
    return SimdDevices.buffer(device, dtype, dims);
  }

  private Buffer numbers(int... dims) {
    Buffer buffer = buffer(DType.F32, dims);
    MemorySegment memory = Memory.of(buffer);
    for (int i = 0; i < buffer.size(); i++) {
      memory.setAtIndex(Memory.FLOAT, i, (float) random.nextGaussian());
    }
    return buffer;
  }

  private Instruction quantized(Buffer left, Buffer out) {
    Buffer weight = buffer(DType.I8, out.dim(1), left.dim(1));
    byte[] steps = new byte[(int) weight.size()];
    random.nextBytes(steps);
    Memory.of(weight).copyFrom(MemorySegment.ofArray(steps));
    return new Instruction.QuantizedLinear(left, weight, numbers(out.dim(1)), Output.to(out));
  }

  private Instruction product(Buffer left, Buffer out) {
    Buffer weight = numbers(out.dim(1), left.dim(1));
    Buffer turned = new Buffer(weight.storage(), DType.F32, weight.layout().transpose(0, 1));
    return new Instruction.MatMul(left, turned, 1, Output.to(out));
  }

  private List<Kernel> joined(List<Instruction> instructions) {
    List<Kernel> kernels = instructions.stream().map(device::prepare).toList();
    return JoinedProducts.in(instructions, kernels, device.workers.team());
  }

  private float[] floats(Buffer buffer) {
    return Memory.of(buffer).asSlice(0, buffer.size() * 4).toArray(Memory.FLOAT);
  }

  @Test
  void productsOfTheSameRowAreJoinedAndGiveTheSameBits() {
    List<Buffer> outs = new ArrayList<>();
    for (int width : new int[] {300, 33, 1, 520}) {
      outs.add(buffer(DType.F32, 1, width));
    }
    List<Instruction> instructions =
        List.of(
            quantized(x, outs.get(0)),
            product(x, outs.get(1)),
            quantized(x, outs.get(2)),
            product(x, outs.get(3)));
    instructions.forEach(instruction -> device.prepare(instruction).run());
    List<float[]> alone = outs.stream().map(this::floats).toList();
    outs.forEach(out -> device.prepare(new Instruction.Fill(out, Double.NaN)).run());
    List<Kernel> joined = joined(instructions);
    assertThat(joined).hasSize(1).first().isInstanceOf(JoinedProducts.class);
    joined.getFirst().run();
    for (int i = 0; i < outs.size(); i++) {
      assertThat(floats(outs.get(i))).containsExactly(alone.get(i));
    }
  }

  @Test
  void aProductThatReadsOrOverwritesAnothersNumbersWaits() {
    Buffer out = buffer(DType.F32, 1, WIDTH);
    Instruction first = quantized(x, out);
    Instruction reads = product(out, buffer(DType.F32, 1, 40));
    Instruction overwrites = product(x, out);
    Instruction replacesLeft = quantized(numbers(1, 20), x);
    assertThat(joined(List.of(first, reads))).hasSize(2);
    assertThat(joined(List.of(first, overwrites))).hasSize(2);
    assertThat(joined(List.of(first, replacesLeft))).hasSize(2);
    assertThat(joined(List.of(reads, first, replacesLeft))).hasSize(3);
  }

  @Test
  void productsOfSeveralRowsKeepTheirOwnMeeting() {
    Buffer rows = numbers(3, WIDTH);
    List<Instruction> instructions =
        List.of(
            quantized(rows, buffer(DType.F32, 3, 40)),
            quantized(rows, buffer(DType.F32, 3, 40)),
            quantized(x, buffer(DType.F32, 1, 40)));
    assertThat(joined(instructions)).hasSize(3);
  }
}

package org.freetransformer.tensor.device;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;

/** A program of someone who embeds the library: 3 + 4 on the best device there is, twice. */
final class PlainProgram {
  private PlainProgram() {}

  public static void main(String[] arguments) {
    for (int run = 0; run < 2; run++) {
      try (Device device = Devices.cpu(2)) {
        Storage storage = device.allocate(4, DType.F32, "program");
        Buffer x = new Buffer(storage, DType.F32, Layout.contiguous(Shape.of(1)));
        device.prepare(new Instruction.Fill(x, 3)).run();
        device.prepare(new Instruction.Affine(x, 1, 4, Output.to(x))).run();
        byte[] bytes = new byte[4];
        device.read(storage, 0, MemorySegment.ofArray(bytes));
        float value = MemorySegment.ofArray(bytes).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0);
        System.out.println(device.name() + " computes " + value);
      }
    }
  }
}

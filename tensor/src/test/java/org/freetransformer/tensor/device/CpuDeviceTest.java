package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.device.scalar.ScalarDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CpuDeviceTest {
  private final Device device = new ScalarDevice();

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void bytesGoThereAndBack() {
    Storage storage = device.allocate(8, DType.F32, "test");
    device.write(storage, 2, MemorySegment.ofArray(new byte[] {1, 2, 3}));
    byte[] read = new byte[2];
    device.read(storage, 3, MemorySegment.ofArray(read));
    assertThat(read).containsExactly(2, 3);
  }

  @Test
  void bytesBeyondTheStorageAreOutOfReach() {
    Storage storage = device.allocate(8, DType.F32, "test");
    MemorySegment host = MemorySegment.ofArray(new byte[4]);
    assertThatThrownBy(() -> device.write(storage, 5, host))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> device.read(storage, -1, host))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void reservedStoragesLiveAsLongAsTheirBlock() {
    Storage a = device.reserve(64, DType.F32);
    Storage b = device.reserve(16, DType.F32);
    Storage block = device.bind(List.of(a, b), new long[] {0, 64}, 128);
    assertThat(device.memory().liveBytesByOwner()).containsEntry("program", 128L);
    Buffer first = new Buffer(a, DType.F32, Layout.contiguous(Shape.of(16)));
    Buffer second = new Buffer(b, DType.F32, Layout.contiguous(Shape.of(4)));
    device.prepare(new Instruction.Fill(first, 3)).run();
    device.prepare(new Instruction.Fill(second, 5)).run();
    byte[] bytes = new byte[4];
    device.read(a, 60, MemorySegment.ofArray(bytes));
    assertThat(MemorySegment.ofArray(bytes).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)).isEqualTo(3);
    device.read(b, 0, MemorySegment.ofArray(bytes));
    assertThat(MemorySegment.ofArray(bytes).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)).isEqualTo(5);
    block.close();
    assertThat(device.memory().liveBytes()).isZero();
    assertThatIllegalStateException()
        .isThrownBy(() -> device.prepare(new Instruction.Fill(first, 3)));
  }

  @Test
  void memoryOfAnotherKindIsRefused() {
    Storage foreign =
        new Storage() {
          @Override
          public long bytes() {
            return 64;
          }

          @Override
          public boolean isAlive() {
            return true;
          }

          @Override
          public void close() {}
        };
    Buffer buffer = new Buffer(foreign, DType.F32, Layout.contiguous(Shape.of(16)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> device.prepare(new Instruction.Fill(buffer, 0)))
        .withMessageContaining("off-heap");
  }

  @Test
  void randomStatesAreFourIntegers() {
    Storage storage = device.allocate(64, DType.F32, "test");
    Buffer three = new Buffer(storage, DType.I32, Layout.contiguous(Shape.of(3)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Draws(three, 0))
        .withMessageContaining("i32 [4]");
  }
}

package org.freetransformer.tensor.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.gpu.TornadoVm;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Instruction.HostCall;
import org.freetransformer.tensor.memory.MemoryPool;

/**
 * Every instruction as a program of its own on the GPU device, against the scalar one: on a real
 * device where TornadoVM's SDK is, else the kernels' Java bodies.
 */
class GpuParityTest extends DeviceParity {
  private static final int LEAST_CASES = 3;

  @Override
  Device open() {
    return new ProgramsOf(TornadoVm.open());
  }

  /** A real device compiles each case anew, which takes it a second. */
  @Override
  int cases() {
    int cases = Integer.getInteger("parity.cases", TornadoVm.isReal() ? 8 : 12);
    if (cases < LEAST_CASES) {
      throw new IllegalArgumentException(
          "-Dparity.cases=%d: at least %d, since some of them have no result"
              .formatted(cases, LEAST_CASES));
    }
    return cases;
  }

  /** Runs single instructions as programs; types that the GPU refuses go to its host. */
  record ProgramsOf(Device gpu) implements Device {
    @Override
    public Kernel prepare(Instruction instruction) {
      try {
        return gpu.prepare(List.of(instruction));
      } catch (UnsupportedOperationException refused) {
        assertThat(mayBeRefused(instruction)).as(refused.getMessage()).isTrue();
        return gpu.prepare(instruction);
      }
    }

    private static boolean mayBeRefused(Instruction instruction) {
      return instruction instanceof HostCall
          || Stream.concat(instruction.reads().stream(), instruction.writes().stream())
              .map(Buffer::dtype)
              .anyMatch(EnumSet.of(DType.F64, DType.U8, DType.I8)::contains);
    }

    @Override
    public String name() {
      return gpu.name();
    }

    @Override
    public String description() {
      return gpu.description();
    }

    @Override
    public MemoryPool memory() {
      return gpu.memory();
    }

    @Override
    public Storage allocate(long bytes, DType dtype, String owner) {
      return gpu.allocate(bytes, dtype, owner);
    }

    @Override
    public Storage reserve(long bytes, DType dtype) {
      return gpu.reserve(bytes, dtype);
    }

    @Override
    public Storage bind(List<Storage> storages, long[] offsets, long bytes) {
      return gpu.bind(storages, offsets, bytes);
    }

    @Override
    public void write(Storage target, long offset, MemorySegment source) {
      gpu.write(target, offset, source);
    }

    @Override
    public void read(Storage source, long offset, MemorySegment target) {
      gpu.read(source, offset, target);
    }

    @Override
    public void close() {
      gpu.close();
    }
  }
}

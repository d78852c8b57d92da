package org.freetransformer.tensor;

import org.freetransformer.tensor.device.CpuDevice;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Storage;
import org.freetransformer.tensor.device.scalar.ScalarDevice;

/** Plain loops on a device whose memory takes a number of tensors and no more. */
public final class ShortOfMemory extends CpuDevice {
  private final ScalarDevice loops = new ScalarDevice();
  private int left;
  private boolean closed;

  /** A device with memory for so many tensors, an engine's random state among them. */
  public ShortOfMemory(int tensors) {
    left = tensors;
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public String name() {
    return "short of memory";
  }

  @Override
  public String description() {
    return name();
  }

  @Override
  public Storage allocate(long bytes, DType dtype, String owner) {
    if (left == 0) {
      throw new OutOfMemoryError("no more memory");
    }
    left--;
    return super.allocate(bytes, dtype, owner);
  }

  @Override
  public Kernel prepare(Instruction instruction) {
    return loops.prepare(instruction);
  }

  @Override
  public void close() {
    closed = true;
    loops.close();
    super.close();
  }
}

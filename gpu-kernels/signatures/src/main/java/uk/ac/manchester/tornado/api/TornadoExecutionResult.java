package uk.ac.manchester.tornado.api;

/** What is left on the device after an execution. */
public class TornadoExecutionResult {
  private final DeviceMemory memory;

  TornadoExecutionResult(DeviceMemory memory) {
    this.memory = memory;
  }

  /** Copies a part of an array to the host. */
  public TornadoExecutionResult transferToHost(DataRange range) {
    memory.transferToHost(range.array(), range.byteOffset(), range.bytes());
    return this;
  }
}

package org.freetransformer.tensor.device;

/**
 * A block of a device's memory. What it is made of is known to its device alone: an off-heap
 * segment on the CPU, an array of the driver's on a GPU.
 */
public interface Storage extends AutoCloseable {
  /** Size in bytes. */
  long bytes();

  /** In whose name the bytes are counted, for messages. */
  default String owner() {
    return "others";
  }

  /** Whether the memory may be used: it is backed and was not closed. */
  boolean isAlive();

  /** Gives the memory back. Closing twice does nothing; using it afterwards is an exception. */
  @Override
  void close();
}

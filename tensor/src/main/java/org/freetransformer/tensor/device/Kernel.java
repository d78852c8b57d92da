package org.freetransformer.tensor.device;

/**
 * An instruction made ready by a device: memory resolved, blocks cut, code chosen. Running it
 * allocates nothing, so that a recorded program leaves no garbage.
 */
@FunctionalInterface
public interface Kernel {
  /** Computes the instruction once, on what its buffers hold now. */
  void run();
}

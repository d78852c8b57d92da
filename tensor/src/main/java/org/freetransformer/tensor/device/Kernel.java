package org.freetransformer.tensor.device;

import java.util.List;

/**
 * An instruction made ready by a device: memory resolved, blocks cut, code chosen. Running it
 * allocates nothing, so that a recorded program leaves no garbage.
 */
@FunctionalInterface
public interface Kernel {
  /** Computes the instruction once, on what its buffers hold now. */
  void run();

  /** One kernel that runs all of these, in their order. */
  static Kernel inTurn(List<Kernel> kernels) {
    Kernel[] all = kernels.toArray(Kernel[]::new);
    return () -> {
      for (Kernel kernel : all) {
        kernel.run();
      }
    };
  }
}

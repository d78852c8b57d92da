package org.freetransformer.tensor;

import java.util.List;
import org.freetransformer.tensor.device.Instruction;

/**
 * Changes every program of an engine between recording and planning its memory: so sharding puts
 * its collectives into programs whose authors know nothing of it.
 */
public interface ProgramRewriter {
  /** Leaves programs as they are. */
  ProgramRewriter NONE = instructions -> instructions;

  /** A recording begins: tensors made now are the program's, without memory until it is planned. */
  default void begin() {}

  /**
   * The instructions to run instead of those recorded. Tensors can still be made, as in {@link
   * #begin}; what is emitted now is lost.
   */
  List<Instruction> rewrite(List<Instruction> recorded);
}

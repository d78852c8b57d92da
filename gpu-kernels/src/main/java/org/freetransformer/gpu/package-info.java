/**
 * The engine's instructions as TornadoVM kernels, and the device that runs recorded programs as
 * task graphs on a GPU.
 *
 * <p>Every kernel is a static method {@code (context, floats, ints, args, a, b)}: the device's two
 * heaps, one for each type of word; the launch's own description of its operands; two numbers. A
 * kernel file stands for one family, and says how its {@code args} are laid out.
 */
@NullMarked
package org.freetransformer.gpu;

import org.jspecify.annotations.NullMarked;

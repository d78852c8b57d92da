/**
 * The seam between operations and devices: a sealed set of instructions on raw buffers, recorded
 * programs made of them, and the memory plan of a program. Nothing here knows of autograd.
 */
@NullMarked
package org.freetransformer.tensor.device;

import org.jspecify.annotations.NullMarked;

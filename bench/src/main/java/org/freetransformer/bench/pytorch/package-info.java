/**
 * PyTorch in a process of its own, where the machine has one: the peer of devices beyond the
 * processor.
 */
@NullMarked
package org.freetransformer.bench.pytorch;

import org.jspecify.annotations.NullMarked;

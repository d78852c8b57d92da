/**
 * Off-heap storage: 64-byte aligned memory segments with explicit lifetimes, a pool that gives them
 * out again, and an account of the bytes that are live.
 */
@NullMarked
package org.freetransformer.tensor.memory;

import org.jspecify.annotations.NullMarked;

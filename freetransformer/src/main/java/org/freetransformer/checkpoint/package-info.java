/** Checkpoints: safetensors files, read by memory mapping and written atomically. */
@NullMarked
package org.freetransformer.checkpoint;

import org.jspecify.annotations.NullMarked;

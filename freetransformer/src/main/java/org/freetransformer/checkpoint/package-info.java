/** Checkpoints: read by memory mapping, whoever wrote them; written atomically as safetensors. */
@NullMarked
package org.freetransformer.checkpoint;

import org.jspecify.annotations.NullMarked;

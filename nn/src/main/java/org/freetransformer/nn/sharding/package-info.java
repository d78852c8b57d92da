/**
 * Training spread over ranks: groups of ranks that exchange raw memory, and models whose
 * parameters, gradients and moments are split over them (Rajbhandari et al., ZeRO, 2020; Zhao et
 * al., PyTorch FSDP, 2023). Layers know nothing of it.
 */
@NullMarked
package org.freetransformer.nn.sharding;

import org.jspecify.annotations.NullMarked;

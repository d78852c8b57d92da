/**
 * Layers: modules with named parameters, from the linear map to the Llama block and the binary
 * mapper. Layers know nothing of devices, precision or sharding.
 */
@NullMarked
package org.freetransformer.nn;

import org.jspecify.annotations.NullMarked;

/** The obvious loops: a device that is easy to read and serves as the oracle of all others. */
@NullMarked
package org.freetransformer.tensor.device.scalar;

import org.jspecify.annotations.NullMarked;

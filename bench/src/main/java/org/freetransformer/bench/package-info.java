/** Benchmarks of the engine, each beside its libtorch peer or the machine's limit. */
@NullMarked
package org.freetransformer.bench;

import org.jspecify.annotations.NullMarked;

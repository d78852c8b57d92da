/** OpenBLAS as a peer in benchmarks. */
@NullMarked
package org.freetransformer.bench.openblas;

import org.jspecify.annotations.NullMarked;

/** Tests of the machine's limits. */
@NullMarked
package org.freetransformer.bench.limit;

import org.jspecify.annotations.NullMarked;

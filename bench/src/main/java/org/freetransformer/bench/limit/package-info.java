/** Loops that do what no code can beat: the machine's arithmetic and its memory at full speed. */
@NullMarked
package org.freetransformer.bench.limit;

import org.jspecify.annotations.NullMarked;

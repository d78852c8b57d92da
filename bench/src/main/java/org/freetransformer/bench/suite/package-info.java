/** What is measured: cases, each computed by this project, by libtorch and by the limit's loop. */
@NullMarked
package org.freetransformer.bench.suite;

import org.jspecify.annotations.NullMarked;

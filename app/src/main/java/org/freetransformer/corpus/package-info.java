/** Documents in files that need libraries to read. */
@NullMarked
package org.freetransformer.corpus;

import org.jspecify.annotations.NullMarked;

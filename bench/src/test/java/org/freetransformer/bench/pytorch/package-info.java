@NullMarked
package org.freetransformer.bench.pytorch;

import org.jspecify.annotations.NullMarked;

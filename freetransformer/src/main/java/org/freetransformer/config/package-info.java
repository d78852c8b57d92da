/** Configuration trees with positions, and the checks that turn them into typed records. */
@NullMarked
package org.freetransformer.config;

import org.jspecify.annotations.NullMarked;

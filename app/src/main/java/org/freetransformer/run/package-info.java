/** A run's surroundings: its configuration file, its folder, where it runs, how it is stopped. */
@NullMarked
package org.freetransformer.run;

import org.jspecify.annotations.NullMarked;

/** The command {@code ft}: one class a command. */
@NullMarked
package org.freetransformer.cli;

import org.jspecify.annotations.NullMarked;

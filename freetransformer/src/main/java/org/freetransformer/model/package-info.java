/** The Free Transformer, written as its paper tells it, and the plain decoder beside it. */
@NullMarked
package org.freetransformer.model;

import org.jspecify.annotations.NullMarked;

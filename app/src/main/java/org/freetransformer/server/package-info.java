/** A model behind HTTP: an API in JSON, and the page that explores plans. */
@NullMarked
package org.freetransformer.server;

import org.jspecify.annotations.NullMarked;

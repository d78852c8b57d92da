/** The study of collapsed plans: what helps, over many seeds. */
@NullMarked
package org.freetransformer.study;

import org.jspecify.annotations.NullMarked;

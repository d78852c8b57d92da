/** The demonstration: plan-letters learnt at several free bits, and what plans then mean. */
@NullMarked
package org.freetransformer.demo;

import org.jspecify.annotations.NullMarked;

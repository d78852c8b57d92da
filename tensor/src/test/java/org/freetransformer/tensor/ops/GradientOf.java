package org.freetransformer.tensor.ops;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The operations whose gradients a test compares with finite differences or an independent formula,
 * such as {@code "Tensor.add(Tensor)"}. {@link GradientCoverageTest} demands that none is missing.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@interface GradientOf {
  String[] value();
}

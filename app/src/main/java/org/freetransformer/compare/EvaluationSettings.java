package org.freetransformer.compare;

/**
 * How every model is evaluated at its end.
 *
 * @param examples held-out examples at most
 * @param samples K, plans drawn for each text
 */
public record EvaluationSettings(long examples, int samples) {}

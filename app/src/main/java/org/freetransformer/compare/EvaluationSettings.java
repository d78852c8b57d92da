package org.freetransformer.compare;

/**
 * How a model is evaluated.
 *
 * @param examples held-out examples at most
 * @param samples K, plans drawn for each text
 */
public record EvaluationSettings(long examples, int samples) {}

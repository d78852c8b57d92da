package org.freetransformer.plots;

/**
 * A horizontal line to compare curves with.
 *
 * @param name as the legend shows it
 * @param y its height
 */
public record Level(String name, double y) {}

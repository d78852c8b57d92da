package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.Output;

/** An instruction's output, element by element: stored, or added to what is there. */
final class Result {
  private final Elements elements;
  private final boolean accumulate;

  Result(Output output) {
    this.elements = new Elements(output.buffer());
    this.accumulate = output.accumulate();
  }

  /** Number of elements. */
  long size() {
    return elements.size();
  }

  void put(long index, double value) {
    elements.set(index, accumulate ? elements.get(index) + value : value);
  }

  /** Puts the first {@code count} values in a row, from element {@code index} on. */
  void putRow(long index, double[] values, int count) {
    for (int i = 0; i < count; i++) {
      put(index + i, values[i]);
    }
  }
}
